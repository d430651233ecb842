"""Runs that were found, each with its diagnosis and the numbers that are listed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from lrwatch.comparing import (
    StoreVerdicts,
    Trial,
    flat_settings,
    store_verdicts,
    trial_of,
    with_siblings,
)
from lrwatch.finding import RunFacts, RunFilter
from lrwatch.following import FollowedRun, RunSummary, judged
from lrwatch.judging import Workers
from lrwatch.store import RunEntry
from lrwatch.store.labels import RunLabels
from lrwatch.verdicts import SEVERITY, Diagnosis, LearningRate

__all__ = [
    "ListedRun",
    "beside_siblings",
    "chosen",
    "judge_entry",
    "judge_store",
    "listed",
    "seen_in",
    "worst_first",
]


@dataclass(frozen=True, slots=True)
class ListedRun:
    """A run, what is said of it, and what a list shows beside that.

    Attributes
    ----------
    run
        Its name: the folder's path below the store, or the name of a file.
    path
        Its folder or file.
    diagnosis
        ``None`` if it cannot be read.
    problem
        Why it, or a part of it, cannot be read; empty if all is well.
    status
        As in `lrwatch.records.RunInfo`; empty where unknown.
    last_write
        When it ended or was last written, seconds since the Unix epoch.
    summary
        What its rows come to.
    total_steps
        Planned number of steps, where known.
    assumed
        What was assumed to read it, in words.
    kind
        ``lrwatch``, or the kind of another tool's log: the name of its importer.
    recognised
        What such a log is, on one line.
    troubles
        What in it could not be read, by file and line.
    name
        What it is called; empty for its name within its folder.
    labels
        What people said of it.
    facts
        What a filter may ask of it beside its verdict.
    trial
        As it is compared with others; ``None`` for a log, of which nothing says what job it was.
    """

    run: str
    path: Path
    diagnosis: Diagnosis | None = None
    problem: str = ""
    status: str = ""
    last_write: float = 0.0
    summary: RunSummary = field(default_factory=RunSummary, compare=False, repr=False)
    total_steps: int | None = None
    assumed: tuple[str, ...] = ()
    kind: str = "lrwatch"
    recognised: str = ""
    troubles: tuple[str, ...] = ()
    name: str = ""
    labels: RunLabels = field(default_factory=RunLabels)
    facts: RunFacts = field(default_factory=lambda: RunFacts(""), repr=False)
    trial: Trial | None = field(default=None, compare=False, repr=False)

    @property
    def key(self) -> str:
        """Its key in the store; ``.`` if the store itself is the run."""
        return self.facts.folder or self.run

    @property
    def state(self) -> str:
        """What it does, as in `lrwatch.records.RunState`; empty where unknown."""
        return self.facts.state

    @property
    def verdict(self) -> str:
        """The verdict, ``unreadable``, or ``judging`` while it is not read yet."""
        if self.diagnosis is None:
            return "unreadable" if self.problem else "judging"
        return self.diagnosis.verdict

    @property
    def learning_rate(self) -> LearningRate:
        """What is said of the learning rate."""
        return "unknown" if self.diagnosis is None else self.diagnosis.learning_rate

    @property
    def reason(self) -> str:
        """Why: the diagnosis's sentence, or what cannot be read."""
        return self.problem if self.diagnosis is None else self.diagnosis.reason


def judge_entry(entry: RunEntry) -> ListedRun:
    """Judge a run that was found in a folder; one that cannot be read says why."""
    return listed(judged(entry))


def judge_store(
    folder: Path, workers: Workers, *, alone: bool = False, writes: bool | None = None
) -> list[ListedRun]:
    """Judge the runs of a folder; one that cannot be read says why.

    Parameters
    ----------
    alone
        Whether runs are shown as they are by themselves, and not beside their siblings.
    writes
        As for `lrwatch.comparing.store_verdicts`.

    Raises
    ------
    RunNotFound
        If the folder does not exist.
    """
    seen = seen_in(folder, workers=workers, writes=writes)
    runs = [listed(run) for run in seen.runs.values()]
    if alone:
        return runs
    said = seen.together
    return [replace(run, diagnosis=said.get(run.key, run.diagnosis)) for run in runs]


def seen_in(folder: Path, **options: Any) -> StoreVerdicts:
    """Judge a store as `store_verdicts` does, with a bar where somebody can see it."""
    from rich.console import Console
    from rich.progress import Progress

    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Judging", total=None)
        return store_verdicts(
            folder, on_judged=lambda n, of: bar.update(task, completed=n, total=of), **options
        )


def listed(run: FollowedRun[Any]) -> ListedRun:
    """Return what a list shows of a run, as far as it is read."""
    entry = run.entry
    found = ListedRun(
        run.name, entry.path, problem=run.problem or run.damage, last_write=entry.last_seen
    )
    found = replace(found, name=entry.shown_name, labels=entry.labels, facts=_facts(run))
    if run.info is not None:
        found = replace(found, status=run.info.status, total_steps=run.info.total_steps)
    if run.diagnosis is None:
        return found
    trial = replace(trial_of(run), key=found.run)
    return replace(found, summary=run.summary, diagnosis=run.diagnosis, trial=trial)


def beside_siblings(runs: Iterable[ListedRun]) -> list[ListedRun]:
    """Return runs with the verdicts that they have beside those of the same job among them."""
    runs = list(runs)
    names = Counter(run.run for run in runs)
    trials, own = {}, {}
    for place, run in enumerate(runs):
        if run.trial is not None and run.diagnosis is not None:
            key = run.run if names[run.run] == 1 else str(run.path)
            trials[place], own[key] = replace(run.trial, key=key), run.diagnosis
    found = with_siblings(trials.values(), own)
    return [
        replace(run, diagnosis=found[trials[place].key]) if place in trials else run
        for place, run in enumerate(runs)
    ]


def worst_first(runs: Iterable[ListedRun]) -> list[ListedRun]:
    """Sort runs as they need attention: those that were pinned, then by verdict, and by name."""
    return sorted(runs, key=lambda run: (not run.labels.pinned, SEVERITY[run.verdict], run.run))


def chosen(runs: Iterable[ListedRun], text: str) -> list[ListedRun]:
    """Return the runs that a filter means; see `lrwatch.finding.RunFilter`.

    Raises
    ------
    InvalidArgument
        If it cannot be understood.
    """
    known = [(run, _asked_of(run)) for run in runs]
    wanted = RunFilter(text).checked(facts for _, facts in known)
    return [run for run, facts in known if wanted.matches(facts)]


def _facts(run: FollowedRun[Any]) -> RunFacts:
    entry, info, said = run.entry, run.info, run.entry.labels
    facts = RunFacts(
        name=entry.shown_name,
        folder=entry.key,
        state=run.state,
        tags=said.tags,
        note=said.note,
        is_pinned=said.pinned,
        is_archived=said.archived,
        lr=run.summary.peak_lr,
        loss=run.summary.losses.best(),
        steps=run.summary.n_steps,
        metrics=run.metrics,
    )
    if info is None:
        return facts
    config = flat_settings(info.config)
    return replace(facts, optimizer=info.optimizer, group=info.group or "", config=config)


def _asked_of(run: ListedRun) -> RunFacts:
    """Return what a filter may ask; the verdict may be that beside siblings."""
    return replace(
        run.facts,
        name=run.facts.name or run.run,
        verdict=run.verdict,
        learning_rate=run.learning_rate,
        reason=run.reason,
    )
