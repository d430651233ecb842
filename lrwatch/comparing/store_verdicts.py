"""The verdicts on all runs of a store, each beside its siblings, and the table that keeps them.

`compare` says what they come to: which rates won, and what the flagged runs have in common.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lrwatch.comparing.common_ground import CommonGround, common_ground
from lrwatch.comparing.job_titles import job_titles
from lrwatch.comparing.sibling_verdicts import SiblingVerdicts, with_siblings
from lrwatch.comparing.sweeps import Sweep, Trial, find_sweeps, names_of, trial_of
from lrwatch.following import FollowedRun, judged
from lrwatch.judging import JudgedRuns, OnJudged, VerdictTable, Workers, judge_runs
from lrwatch.judging.judged_runs import Beside
from lrwatch.judging.workers import MANY_RUNS
from lrwatch.store import list_runs, run_at
from lrwatch.store.mirroring.places import local_folder
from lrwatch.verdicts import Diagnosis

__all__ = ["Comparison", "StoreVerdicts", "compare", "compared", "known_of", "store_verdicts"]

HERE = Workers()
"""This process judges."""


@dataclass(frozen=True, slots=True)
class StoreVerdicts:
    """The runs of a store with their verdicts.

    Attributes
    ----------
    runs
        Each judged by itself, by key, in the order of keys.
    together
        Verdict of each run that can be read, beside the others of its job where there are any.
    n_judged
        How many runs were read for it; the others had not changed.
    table
        The table that keeps them; ``None`` where nothing is kept.
    """

    runs: Mapping[str, FollowedRun[Any]]
    together: Mapping[str, Diagnosis]
    n_judged: int
    table: Path | None = None

    @property
    def trials(self) -> list[Trial]:
        """The runs that can be read, as they are compared with others."""
        return [trial_of(self.runs[key]) for key in self.together]

    @property
    def own(self) -> dict[str, Diagnosis]:
        """The verdict by itself on each run that can be read."""
        return known_of(self.runs)[1]


def store_verdicts(
    folder: str | os.PathLike[str],
    *,
    workers: Workers = HERE,
    anew: bool = False,
    writes: bool | None = None,
    on_judged: OnJudged | None = None,
) -> StoreVerdicts:
    """Judge the runs of a store, as far as that is not known from before.

    Parameters
    ----------
    folder
        Folder of runs, or its address.
    anew
        Whether to judge all runs, whatever is known of them.
    writes
        Whether what was found may be kept in a table in the folder. By default it is for a
        hundred runs or more, and where there is a table.
    on_judged
        Told now and then how many runs are judged, and of how many.

    Raises
    ------
    RunNotFound
        If the folder does not exist.
    MissingExtra, InvalidArgument
        As `Workers.judge`.
    """
    folder = local_folder(folder)
    entries = list_runs(folder)
    table = VerdictTable(folder)
    # Nothing that is not of the run is written into its folder.
    is_store = all(entry.key != "." for entry in entries)
    judged = judge_runs(entries, table if is_store and not anew else None, workers, on_judged)
    together, beside = _together(judged)
    kept = table.found() if is_store else None
    if writes is None:
        writes = len(entries) >= MANY_RUNS or kept is not None
    if writes and is_store and entries and (anew or _has_changed(judged, beside, table)):
        kept = table.write(lambda: judged.rows(beside))
    return StoreVerdicts(judged.runs, together, judged.n_judged, kept)


def known_of(
    runs: Mapping[str, FollowedRun[Any]],
) -> tuple[list[Trial], dict[str, Diagnosis]]:
    """Return the runs that can be read, and the verdict on each by itself."""
    own = {key: run.diagnosis for key, run in runs.items() if run.diagnosis and not run.problem}
    return [trial_of(runs[key]) for key in own], own


def _together(judged: JudgedRuns) -> tuple[dict[str, Diagnosis], Beside]:
    """Judge runs beside one another; a job whose runs are as they were is as it was."""
    found, own = known_of(judged.runs)
    trials = {trial.key: trial for trial in found}
    jobs: dict[str, list[Trial]] = defaultdict(list)
    said: dict[str, Diagnosis] = {}
    for key, known in judged.known.items():
        if known.job and known.beside is not None and key in own:
            jobs[known.job].append(replace(trials[key], state=known.state))
            said[key] = known.beside
    verdicts = SiblingVerdicts()
    for job in jobs.values():
        if len(job) == judged.known[job[0].key].n_job:  # none is gone, none has changed
            verdicts.recall(job, own, {trial.key: said[trial.key] for trial in job})
    together = verdicts.of(trials.values(), own)
    return together, {key: (job, together[key]) for key, job in verdicts.jobs().items()}


def _has_changed(judged: JudgedRuns, beside: Beside, table: VerdictTable) -> bool:
    """Whether the table would say something else than it does."""

    def is_as_it_was(key: str, run: FollowedRun[Any]) -> bool:
        known = judged.known.get(key)
        if known is None or (run.problem or run.damage, run.state) != (known.problem, known.state):
            return False
        labels = run.entry.labels
        now = (*beside.get(key, ("", None)), (labels.pinned, labels.archived))
        return now == (known.job, known.beside, known.labels)

    is_same = all(is_as_it_was(key, run) for key, run in judged.runs.items())
    return not is_same or table.n_rows() != len(judged.runs)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What several runs say together.

    Attributes
    ----------
    sweeps
        Groups of runs, largest first.
    common_ground
        What flagged runs have in common and the others do not, most telling first.
    verdicts
        Verdict of each run beside the others of its job, by name.
    unreadable
        Why a run was left out, by name.
    """

    sweeps: list[Sweep]
    common_ground: list[CommonGround]
    verdicts: dict[str, str]
    unreadable: dict[str, str]

    def __str__(self) -> str:
        """Say it in a few lines."""
        jobs = [sweep for sweep in self.sweeps if len(sweep.trials) > 1]
        titles = job_titles([(job.settings, names_of(job.trials)) for job in jobs])
        lines = [
            f"{title}: {job.reason}" if len(jobs) > 1 else job.reason
            for title, job in zip(titles, jobs, strict=True)
        ]
        lines += [str(ground) for ground in self.common_ground]
        return "\n".join(lines) or "nothing to compare: no two runs differ in the rate only"


def compare(
    runs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> Comparison:
    """Compare runs across learning rates.

    Parameters
    ----------
    runs
        A folder of runs, or the folders of the runs to compare.

    Raises
    ------
    RunNotFound
        If the folder of runs does not exist.
    """
    if isinstance(runs, str | os.PathLike):
        return compared(store_verdicts(runs))
    entries = [replace(run_at(run), key=Path(run).name) for run in runs]
    found = {entry.key: judged(entry) for entry in entries}
    return compared(StoreVerdicts(found, with_siblings(*known_of(found)), len(found)))


def compared(seen: StoreVerdicts) -> Comparison:
    """Compare runs that are judged."""
    said = seen.together
    trials = [replace(trial, verdict=said[trial.key].verdict) for trial in seen.trials]
    verdicts = {trial.key: trial.verdict for trial in trials}
    unreadable = {key: run.problem for key, run in seen.runs.items() if key not in said}
    return Comparison(find_sweeps(trials), common_ground(trials), verdicts, unreadable)
