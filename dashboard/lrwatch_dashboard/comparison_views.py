"""What Compare and Sweep show: several runs as one view model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from lrwatch.comparing import RangeReading, RateChoice, RateResult
from lrwatch.formats import as_number, number
from lrwatch_dashboard.views import RunCurves, RunView

__all__ = [
    "ComparedRun",
    "Delta",
    "RangeReading",
    "RateResult",
    "SettingPoint",
    "SideBySide",
    "SweepRun",
    "SweepView",
]


@dataclass(frozen=True, slots=True)
class Delta:
    """How much more loss a run has than the base, smoothed, where the shorter of both ends.

    Attributes
    ----------
    at
        The last place on the x axis that both have.
    x
        What that axis counts, in the words of `lrwatch_dashboard.address.ChartView`.
    difference
        In units of the loss.
    share
        Of the base's loss; None where a share says nothing.
    """

    at: float
    x: str
    difference: float
    share: float | None


@dataclass(frozen=True, slots=True, eq=False)
class ComparedRun:
    """One run of a comparison.

    Attributes
    ----------
    view, curves
        The run, and its lines; None where they cannot be read.
    settings
        Values of the settings in which the runs differ, empty where it has none.
    last_loss
        The smoothed loss at its last step.
    delta
        Against the base; None for the base itself and where there is none.
    own
        Last values of the user's metrics that are shown; None where it has none.
    lead
        Key of the first of the runs that differ from this one in the seed only, where they are
        drawn as one; else its own.
    """

    view: RunView
    curves: RunCurves | None
    settings: tuple[str, ...]
    last_loss: float | None
    delta: Delta | None
    lead: str
    own: tuple[float | None, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class SideBySide:
    """Runs side by side.

    Attributes
    ----------
    base
        Key of the run that the others are measured against; empty for none.
    differing
        Names of the settings that differ.
    same
        Those that do not, with what they are in every run.
    own
        The user's metrics that are shown.
    """

    runs: tuple[ComparedRun, ...]
    base: str
    differing: tuple[str, ...]
    same: tuple[tuple[str, str], ...] = ()
    own: tuple[str, ...] = ()

    @property
    def rate_setting(self) -> str:
        """The setting that differs and is the peak rate of every run; empty if none is."""
        rates = [number(run.view.lr, 3) for run in self.runs]
        columns = zip(*(run.settings for run in self.runs), strict=True)
        told = (
            name
            for name, column in zip(self.differing, columns, strict=True)
            if [_as_rate(text) for text in column] == rates
        )
        return next(told, "")


def _as_rate(text: str) -> str:
    rate = as_number(text)
    return "" if rate is None else number(rate, 3)


@dataclass(frozen=True, slots=True)
class SettingPoint:
    """A run by some of its settings and one result; None where it has none."""

    key: str
    name: str
    values: tuple[Any, ...]
    result: float | None


@dataclass(frozen=True, slots=True)
class SweepRun:
    """One run of a sweep.

    Attributes
    ----------
    loss
        What it is measured by; None where it ended without a finite one, or is not compared.
    left_out
        Why it is not compared, ``failed after 30 of 100 steps``; empty if it is.
    """

    view: RunView
    lr: float
    loss: float | None
    left_out: str = ""

    @property
    def rate(self) -> float:
        """The rate it counts for, as `RateResult.lr` has it."""
        return float(f"{self.lr:.4g}")


@dataclass(frozen=True, slots=True)
class SweepView:
    """Runs that differ in learning rate and seed only.

    Attributes
    ----------
    label
        The settings that tell it from the other sweeps of the store.
    runs
        By ascending learning rate.
    choice
        What each rate came to, and which won.
    settings
        What they have in common.
    next_rate
        The rate to run next, as `Suggestion.next_lr` has it; None where nothing is left to find.
    is_least
        Less is better of what they are measured by.
    """

    label: str
    runs: tuple[SweepRun, ...]
    choice: RateChoice
    settings: Mapping[str, Any] = field(default_factory=dict)
    next_rate: float | None = None
    is_least: bool = True
