"""Runs of one job judged together: each by its own curve and by what the others reached."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from pathlib import Path
from typing import Any, Final

from lrwatch.comparing.joining import probability
from lrwatch.comparing.next_rate import next_rate
from lrwatch.comparing.sibling_words import APART, advice, evidence, reason
from lrwatch.comparing.standing import Siblings, Standing
from lrwatch.comparing.sweeps import Trial, find_sweeps, is_range_test, trial_of
from lrwatch.errors import RunUnreadable
from lrwatch.following import judged, summarised
from lrwatch.importing import foreign_run
from lrwatch.logs import rows_of
from lrwatch.monitor import Monitor
from lrwatch.records import RunState
from lrwatch.store import RunEntry, list_runs, read_run_info
from lrwatch.store.faults import naming
from lrwatch.store.mirroring.places import known_as, local_folder
from lrwatch.verdicts import Diagnosis, LearningRate, Verdict

__all__ = [
    "SiblingVerdicts",
    "diagnose_sweep",
    "judged_folder",
    "judged_run",
    "judged_together",
    "shows_no_objective",
    "with_siblings",
]

SEEN: Final = frozenset(
    {
        "nonfinite",
        "gradient_not_finite",
        "zero_gradient",
        "zero_rate",
        "zero_loss",
        "range_test",
        "no_objective",
        "unusual_loss",
        "frozen",
        "lr_cut",
    }
)
"""Tests that say what no other run can change."""

LEAST: Final = 0.5
"""Probability below which no class is named."""

EARLY: Final = 0.3
"""How much more a rate that is wrong needs at the beginning of a run, where others lead for a
while: good runs flagged at a tenth of their steps fell from 12 to 3 % (DeepOBS)."""

SURE: Final = 0.8
"""Probability from which on what is said of the best rate decides where to go from it."""

LOST: Final = 0.9
"""Lag of a run that made next to nothing of what another one did."""


def diagnose_sweep(
    runs: Mapping[str, Any] | str | os.PathLike[str], *, total_steps: int | None = None
) -> dict[str, Diagnosis]:
    """Diagnose runs of one job at different learning rates, each beside all others.

    The loss of a run is compared with that of the others after as many steps: a run that is at a
    tenth, with what the others were at then. Runs without a learning rate, and range tests, are
    judged alone.

    Parameters
    ----------
    runs
        Tables of steps, paths of run folders or `Run` objects by name; or a folder of runs, of
        which those that cannot be read are left out. They are taken to be one job; seeds may
        repeat.
    total_steps
        Planned number of steps, where known.

    Returns
    -------
    dict
        Diagnosis by name. The evidence ``siblings`` says which run counted most.

    Raises
    ------
    InvalidArgument
        If a table holds no steps.
    RunNotFound, RunUnreadable
        If there is no run at a path, or it cannot be read.

    Examples
    --------
    >>> falling = [2.3 - 0.02 * i for i in range(100)]
    >>> flat = [2.3 - 0.001 * i for i in range(100)]
    >>> runs = {
    ...     name: {"step": range(100), "loss": loss, "lr": [lr] * 100}
    ...     for name, loss, lr in (("a", falling, 0.1), ("b", flat, 10.0), ("c", falling, 0.05))
    ... }
    >>> {name: found.learning_rate for name, found in diagnose_sweep(runs).items()}
    {'a': 'ok', 'b': 'too_high', 'c': 'ok'}
    """
    if isinstance(runs, str | os.PathLike):
        found = judged_folder(runs, total_steps)
    else:
        found = [judged_run(name, run, total_steps) for name, run in runs.items()]
    return judged_together([trial for trial, _ in found], {trial.key: own for trial, own in found})


class SiblingVerdicts:
    """The verdicts of a store's runs beside their siblings, looked at again and again.

    A job is judged again only when one of its runs has changed.
    """

    def __init__(self) -> None:
        self._known: dict[frozenset[str], _Known] = {}

    def of(self, trials: Iterable[Trial], own: Mapping[str, Diagnosis]) -> dict[str, Diagnosis]:
        """Return the verdict on each run, joined with its siblings' where it has any.

        Parameters
        ----------
        trials
            Runs of any jobs.
        own
            The verdict on each by itself, by key; runs without one have no part.
        """
        found, known = dict(own), self._known
        self._known = {}
        for sweep in find_sweeps(trial for trial in trials if trial.key in own):
            if len({trial.lr for trial in sweep.trials}) > 1:
                keys = frozenset(sweep.runs)
                mark = _mark(sweep.trials, own)
                before = known.get(keys)
                is_known = before is not None and before[0] == mark
                joined = before[1] if before and is_known else judged_together(sweep.trials, own)
                self._known[keys] = mark, joined
                found |= joined
        return found

    def recall(
        self, trials: Sequence[Trial], own: Mapping[str, Diagnosis], found: dict[str, Diagnosis]
    ) -> None:
        """Take over what was found on the runs of one job as they were then."""
        self._known[frozenset(trial.key for trial in trials)] = _mark(trials, own), found

    def jobs(self) -> dict[str, str]:
        """Return the job of each run that was judged beside others: its first run's key."""
        return {key: min(keys) for keys in self._known for key in keys}


_Mark = list[tuple[str, str, RunState, int, Diagnosis]]
_Known = tuple[_Mark, dict[str, Diagnosis]]


def _mark(trials: Iterable[Trial], own: Mapping[str, Diagnosis]) -> _Mark:
    """Return what a job is judged again for, if it changes."""
    marks = [(t.key, t.name, t.state, t.summary.n_rows, own[t.key]) for t in trials]
    return sorted(marks, key=itemgetter(0))


def with_siblings(trials: Iterable[Trial], own: Mapping[str, Diagnosis]) -> dict[str, Diagnosis]:
    """Return the verdict on each run of a store, looked at once: see `SiblingVerdicts.of`."""
    return SiblingVerdicts().of(trials, own)


def judged_together(trials: Iterable[Trial], own: Mapping[str, Diagnosis]) -> dict[str, Diagnosis]:
    """Return the verdict on each of the runs of one job.

    Parameters
    ----------
    own
        The verdict on each by itself, by key.
    """
    trials = list(trials)
    if len(trials) > 1 and any(shows_no_objective(own[trial.key]) for trial in trials):
        return {t.key: replace(own[t.key], evidence=[*own[t.key].evidence, APART]) for t in trials}
    siblings = Siblings(trial for trial in trials if not trial.is_range_test)
    standings = {
        trial.key: siblings.standing(trial) for trial in siblings.trials if len(siblings.trials) > 1
    }
    classes = {
        key: _class(standing, own[key]) for key, standing in standings.items() if standing.n_rates
    }
    return {t.key: _joined(standings.get(t.key), own[t.key], classes) for t in trials}


def _joined(
    standing: Standing | None,
    own: Diagnosis,
    classes: Mapping[str, tuple[LearningRate, float]],
) -> Diagnosis:
    if standing is None or not standing.n_rates:
        return replace(own, evidence=[*own.evidence, evidence(standing, own.learning_rate)])
    kind, confidence = classes[standing.trial.key]
    test = evidence(standing, kind)
    was_seen, is_own = _was_seen(own), kind == own.learning_rate
    said = own.reason if was_seen else reason(standing, kind, own)
    is_no_rate = was_seen and own.suggested_lr is None  # none would have helped
    best = standing.best
    of_best = None if best is None else classes.get(best.key)
    said_of_best = of_best[0] if of_best is not None and of_best[1] >= SURE else "unknown"
    suggested_lr = None if is_no_rate else next_rate(standing, kind, own.suggested_lr, said_of_best)
    named = advice(standing, suggested_lr) if suggested_lr != own.suggested_lr else ""
    return replace(
        own,
        verdict=own.verdict if is_own else _verdict(kind, standing),
        learning_rate=kind,
        confidence=confidence,
        interval=own.interval if said == own.reason else test.interval,
        reason=said,
        evidence=[*own.evidence, test],
        advice=named or (own.advice if is_own else ""),
        suggested_lr=suggested_lr,
    )


def _class(standing: Standing, own: Diagnosis) -> tuple[LearningRate, float]:
    if _was_seen(own):
        return own.learning_rate, own.confidence
    odds = probability(standing, own)
    kind = max(odds, key=odds.__getitem__)
    more = 0.0 if kind == "ok" else EARLY * (1 - standing.done)
    return (kind, odds[kind]) if odds[kind] >= LEAST + more else ("unknown", 0.0)


def shows_no_objective(own: Diagnosis) -> bool:
    """Whether a run shows that its job's loss is none to compare by, as in a GAN."""
    is_silent = own.learning_rate == "unknown"
    return is_silent and any(test.fired and test.name == "no_objective" for test in own.evidence)


def _was_seen(own: Diagnosis) -> bool:
    return any(test.fired and test.name in SEEN for test in own.evidence)


def _verdict(kind: LearningRate, standing: Standing) -> Verdict:
    """Return the word for a class that the run by itself did not show."""
    best = standing.best
    if kind == "too_high":
        is_lost = best is not None and best.deficit >= LOST
        return "diverging" if is_lost or standing.trial.has_broken else "oscillating"
    words: dict[LearningRate, Verdict] = {"too_low": "too_low", "ok": "ok"}
    return words.get(kind, "insufficient_data")


def judged_run(name: str, run: Any, total_steps: int | None = None) -> tuple[Trial, Diagnosis]:
    """Return a run, given as a table of steps or a path, and the verdict on it by itself."""
    if isinstance(run, str | os.PathLike):
        path = local_folder(run)
        log = foreign_run(path)
        if log is None:
            return _judged_at(name, path, total_steps)
        run, total_steps = log.rows, total_steps or log.total_steps
    rows = rows_of(run)
    monitor = Monitor(total_steps=total_steps)
    monitor.update(rows)
    own, summary = monitor.diagnosis(), summarised(rows)
    lr = math.nan if summary.peak_lr is None else summary.peak_lr
    return Trial(name, lr, summary, total_steps=total_steps, is_range_test=is_range_test(own)), own


def judged_folder(
    folder: str | os.PathLike[str], total_steps: int | None = None
) -> list[tuple[Trial, Diagnosis]]:
    """Return the runs of a folder that can be read, and the verdict on each by itself.

    Parameters
    ----------
    total_steps
        Planned number of steps, where it is not what the runs say themselves.
    """
    runs = [judged(entry, total_steps=total_steps) for entry in list_runs(folder)]
    return [(trial_of(run), run.diagnosis) for run in runs if run.diagnosis and not run.problem]


def _judged_at(name: str, path: Path, total_steps: int | None) -> tuple[Trial, Diagnosis]:
    with naming(known_as(path)):
        entry = RunEntry(name, path, read_run_info(path), "", 0.0)
        run = judged(entry, total_steps=total_steps)
        if run.problem or run.diagnosis is None:
            raise RunUnreadable(run.problem)
    return trial_of(run), run.diagnosis
