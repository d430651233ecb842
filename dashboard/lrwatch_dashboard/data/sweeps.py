"""The sweeps and range tests of a store as the Sweep page has them, and what flagged runs share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from lrwatch import comparing
from lrwatch.comparing import Measure, RateChoice, RateResult, choose_rate
from lrwatch.comparing.common_ground import FEWEST_RUNS, common_ground
from lrwatch.comparing.job_titles import job_titles
from lrwatch.comparing.suggesting import is_test_of
from lrwatch.comparing.suggestion import Job, suggested
from lrwatch.comparing.sweeps import names_of
from lrwatch.formats import number
from lrwatch_dashboard.comparison_views import RangeReading, SweepRun, SweepView
from lrwatch_dashboard.own_metrics import wants_least
from lrwatch_dashboard.theme import look
from lrwatch_dashboard.views import RunCurves, RunSource, RunView

__all__ = [
    "Measure",
    "SweepMeasure",
    "by_metric",
    "find_sweeps",
    "range_test",
    "shared_trouble",
    "sweep_of",
    "with_next_rate",
]

_FLAGGED: Final = frozenset({"cross", "up", "down"})
_LONGEST_NAME: Final = 300

_MOST_KNOWN: Final = 100
_SUGGESTED: Final[dict[frozenset[str], tuple[object, float | None]]] = {}  # of jobs, by their runs


def find_sweeps(views: Sequence[RunView], measure: Measure = "final") -> tuple[SweepView, ...]:
    """Return the sweeps that runs make, those with the most learning rates first."""
    by_key = {view.key: view for view in views}
    found = comparing.find_sweeps((view.trial for view in views), measure)
    titles = job_titles([(sweep.settings, names_of(sweep.trials)) for sweep in found])
    shown = [_sweep(sweep, by_key, title) for sweep, title in zip(found, titles, strict=True)]
    return tuple(sorted(shown, key=lambda sweep: -len(sweep.choice.rates)))


def sweep_of(found: Sequence[SweepView], key: str) -> SweepView | None:
    """Return the sweep that a run belongs to; None if it belongs to none."""
    return next((sweep for sweep in found if any(run.view.key == key for run in sweep.runs)), None)


def range_test(curves: RunCurves) -> RangeReading:
    """Read a run whose learning rate was swept upwards, as `lrwatch.range_test` does."""
    lr, loss = curves.lr[0] if curves.lr else curves.loss, curves.loss
    if not len(lr.x) or not len(loss.x):
        return comparing.read_range_test(np.empty(0), np.empty(0))
    seen = loss.x < (curves.first_broken if curves.first_broken is not None else np.inf)
    rates = np.exp(np.interp(loss.x, lr.x, np.log(np.maximum(lr.y, np.finfo(float).tiny))))
    broken = [np.inf] if curves.n_broken else []
    return comparing.read_range_test(rates[seen], np.append(loss.y[seen], broken))


def shared_trouble(views: Sequence[RunView]) -> str:
    """Return one sentence on what sets flagged runs apart most; empty if nothing does.

    Runs that could not be judged do not count.
    """
    trials = [view.trial for view in views]
    flagged = [trial for trial in trials if look(trial.verdict).mark in _FLAGGED]
    if len(flagged) < FEWEST_RUNS:
        return ""
    found = common_ground(trials)
    return str(found[0]) if found else ""


def _sweep(sweep: comparing.Sweep, by_key: Mapping[str, RunView], label: str) -> SweepView:
    runs = (
        SweepRun(
            by_key[trial.key],
            trial.lr,
            _finite(sweep.losses.get(trial.key)),
            sweep.left_out.get(trial.key, ""),
        )
        for trial in sweep.trials
    )
    ordered = tuple(sorted(runs, key=lambda run: (run.lr, run.view.key)))
    choice = replace(sweep.choice, reason=sweep.reason)
    return SweepView(label, ordered, choice, sweep.settings)


def with_next_rate(sweep: SweepView, tests: Sequence[RunView], source: RunSource) -> SweepView:
    """Return a sweep with the rate to run next, if there is one.

    Parameters
    ----------
    tests
        The range tests of the store, of which those of the same job count.
    source
        Where their curves are.
    """
    views = [run.view for run in sweep.runs]
    together = {view.key: view.diagnosis for view in views if view.diagnosis is not None}
    if len(together) < len(views):  # some are yet to be judged
        return sweep
    readings = {
        test.key: range_test(curves)
        for test in tests
        if is_test_of(test.trial, sweep.settings)
        and (curves := source.curves(test.key)) is not None
    }
    job = Job(
        trials=[view.trial for view in views],
        own={key: view.alone or together[key] for key, view in zip(together, views, strict=True)},
        tests=readings,
        settings=sweep.settings,
        together=together if any(view.alone for view in views) else None,
    )
    lr = _next_rate(job, [(test.key, test.steps) for test in tests if test.key in readings])
    return replace(sweep, next_rate=lr)


def _next_rate(job: Job, tests: Sequence[tuple[str, int]]) -> float | None:
    """Return the rate to run next, as runs at several rates have it; for one, others may know.

    A job that is as it was is not gone through again.
    """
    made = {trial.key: (trial.state, trial.summary.n_rows) for trial in job.trials}
    keys, seen = frozenset(made), (made, job.own, job.together, tests)
    known = _SUGGESTED.get(keys)
    if known is not None and known[0] == seen:
        return known[1]
    if len(_SUGGESTED) >= _MOST_KNOWN:
        _SUGGESTED.clear()
    found = suggested(job)
    lr = found.next_lr if found.basis == "sweep" else None
    _SUGGESTED[keys] = seen, lr
    return lr


def _finite(loss: float | None) -> float | None:
    return loss if loss is not None and math.isfinite(loss) else None


@dataclass(frozen=True, slots=True)
class SweepMeasure:
    """What runs of a sweep are measured by: the loss, or one of the user's own metrics.

    Verdicts stay as they are.

    Attributes
    ----------
    metric
        Name of the column; empty for the loss.
    is_best
        By the best value instead of the last one.
    is_least
        Less is better.
    """

    metric: str = ""
    is_best: bool = False
    is_least: bool = True

    @classmethod
    def of(cls, words: Mapping[str, str]) -> SweepMeasure:
        """Return the objective that the words of an address mean."""
        metric = words.get("by", "")[:_LONGEST_NAME]
        goal, is_best = words.get("goal"), words.get("loss") == "best"
        usual = not metric or wants_least(metric)
        return cls(metric, is_best, goal == "min" if metric and goal in ("min", "max") else usual)

    @property
    def label(self) -> str:
        """What the axis says."""
        return f"{'best' if self.is_best else 'final'} {self.metric or 'loss'}"


def by_metric(sweep: SweepView, objective: SweepMeasure) -> SweepView:
    """Return a sweep as its runs stand by a metric; those that never logged it are not compared."""
    runs = tuple(_measured(run, objective) for run in sweep.runs)
    sign = 1.0 if objective.is_least else -1.0
    ended = [
        (run.lr, math.nan if run.loss is None else sign * run.loss)
        for run in runs
        if not run.left_out
    ]
    choice = choose_rate(ended)
    if not objective.is_least:
        choice = replace(choice, rates=tuple(map(_turned, choice.rates)))
    said = _sentence(choice, objective) if ended else f"No run has logged {objective.metric}"
    choice = replace(choice, reason=said)
    return replace(sweep, runs=runs, choice=choice, is_least=objective.is_least)


def _measured(run: SweepRun, objective: SweepMeasure) -> SweepRun:
    found = run.view.metrics.get(objective.metric)
    if run.left_out:
        return run
    if found is None or not found.n:
        return replace(run, loss=None, left_out=f"never logged {objective.metric}")
    value = found.best(least=objective.is_least) if objective.is_best else found.last
    return replace(run, loss=value)


def _turned(rate: RateResult) -> RateResult:
    return replace(rate, median=-rate.median, low=-rate.high, high=-rate.low)


def _sentence(choice: RateChoice, objective: SweepMeasure) -> str:
    if choice.best is None or choice.band is None:
        return choice.reason  # which speaks of rates alone
    rates: Sequence[RateResult] = choice.rates
    place = next(i for i, rate in enumerate(rates) if rate.lr == choice.best)
    best, (low, high) = rates[place], choice.band
    said = f"{number(best.lr, 3)} is best, at a {objective.label} of {number(best.median, 3)}"
    if best.n_runs > 1:
        said += f", the median of {best.n_runs} runs"
    if low < high:
        return f"{said}; {number(low, 3)} to {number(high, 3)} come about as close"
    sides = (number(rates[i].lr, 3) for i in (place - 1, place + 1))
    return f"{said}; no other rate comes as close, so try some between {' and '.join(sides)}"
