"""Sweeps measured by one of the user's own metrics, not by the loss; verdicts stay as they are."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from lrwatch.comparing import RateChoice, RateResult, choose_rate
from lrwatch.formats import number
from lrwatch_dashboard.comparison_views import SweepRun, SweepView
from lrwatch_dashboard.own_metrics import wants_least

__all__ = ["SweepMeasure", "by_metric"]

_LONGEST_NAME: Final = 300


@dataclass(frozen=True, slots=True)
class SweepMeasure:
    """What runs of a sweep are measured by.

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
    # What to try next comes from the verdicts, and they are about the training loss.
    choice = replace(choice, reason=said)
    return replace(sweep, runs=runs, choice=choice, next_rate=None, is_least=objective.is_least)


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
