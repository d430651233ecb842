"""What the pages show: view models without a trace of Dash, plotly or the disk.

`RunSource` is what a page asks; `lrwatch_dashboard.data` answers it from a folder of runs, and
the tests answer it from memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt

from lrwatch.alert import Alert
from lrwatch.comparing import Trial
from lrwatch.following import RunSummary
from lrwatch.records import RunState
from lrwatch_dashboard.alert_views import AlertSource

__all__ = [
    "Clock",
    "Curve",
    "EvidenceRow",
    "Judgement",
    "Outcome",
    "Overview",
    "RunCurves",
    "RunRow",
    "RunSource",
    "RunState",
    "RunView",
    "Window",
]

FloatArray = npt.NDArray[np.float64]

Outcome = Literal["fired", "quiet", "not run"]
Window = tuple[float, float]
"""First and last step of a zoom."""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run in the table of the Overview.

    Attributes
    ----------
    key
        The run's folder, relative to the watched folder.
    verdict
        A verdict of lrwatch, ``judging`` or ``unreadable``.
    why
        One sentence: the reason of the verdict, or the problem with the files.
    state
        ``silent`` is a run that calls itself running and has written nothing for long.
    lr, suggested_lr, best_loss
        Peak learning rate so far; the one to try next; least loss of any step.
    steps
        Steps recorded so far.
    created_at, updated_at
        Seconds since the Unix epoch.
    sparkline
        Height of the loss curve at equal distances, 0 to 99; None where there is none.
    broken
        The loss was NaN or infinite at some step.
    problem
        What cannot be read of the run; empty if all can.
    has_alerts
        A watcher would find an alert firing now.
    """

    key: str
    name: str
    verdict: str
    why: str
    state: RunState
    lr: float | None = None
    suggested_lr: float | None = None
    best_loss: float | None = None
    steps: int = 0
    created_at: float = 0.0
    updated_at: float = 0.0
    sparkline: tuple[int | None, ...] = ()
    broken: bool = False
    problem: str = ""
    has_alerts: bool = False


@dataclass(frozen=True, slots=True)
class Overview:
    """The table of runs, or what changed in it since a token.

    Attributes
    ----------
    folder
        The watched folder, as text.
    rows
        All rows if `whole`, else those that are new or changed.
    removed
        Keys of the rows that are gone; empty if `whole`.
    token
        Stands for this state of the table; hand it back to be told what changed.
    verdicts
        Number of runs of each verdict, in the whole table.
    problem
        Why the folder cannot be read; empty if it can.
    """

    folder: str
    rows: tuple[RunRow, ...]
    removed: tuple[str, ...]
    whole: bool
    token: str
    n_runs: int
    n_running: int
    verdicts: Mapping[str, int]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One test behind a verdict."""

    name: str
    outcome: Outcome
    value: float | None = None
    threshold: float | None = None
    interval: tuple[int, int] | None = None
    note: str = ""
    speaks: Literal["against", "for", "neither"] = "against"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict and what it rests on."""

    verdict: str
    reason: str
    advice: str = ""
    confidence: float | None = None
    suggested_lr: float | None = None
    interval: tuple[int, int] | None = None
    first_alarm_step: int | None = None
    evidence: tuple[EvidenceRow, ...] = ()


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Points of one line: steps and values, both of shape ``(n_points,)``."""

    name: str
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Clock:
    """When steps ended: step numbers and seconds since the first, both of shape ``(n,)``.

    Both ascend; time between the last step of a run and its resume does not count.
    """

    steps: npt.NDArray[np.float64]
    seconds: npt.NDArray[np.float64]

    def __bool__(self) -> bool:
        """Return whether there is any time to tell."""
        return len(self.seconds) > 1 and bool(self.seconds[-1] > 0)

    def seconds_at(self, steps: float | Sequence[float] | FloatArray) -> npt.NDArray[np.float64]:
        """Return when steps ended, in seconds."""
        return np.asarray(np.interp(steps, self.steps, self.seconds), dtype=np.float64)

    def steps_at(self, seconds: float | Sequence[float] | FloatArray) -> npt.NDArray[np.float64]:
        """Return how far the run was at times given in seconds."""
        return np.asarray(np.interp(seconds, self.seconds, self.steps), dtype=np.float64)


def _no_curve() -> Curve:
    return Curve("", np.empty(0), np.empty(0))


def _no_clock() -> Clock:
    return Clock(np.empty(0), np.empty(0))


def _no_trial() -> Trial:
    return Trial("", math.nan, RunSummary())


@dataclass(frozen=True, slots=True)
class RunView:
    """What the Run page says beside its curves.

    Attributes
    ----------
    last_step
        Number of the last recorded step; None before the first.
    usual_gap
        Seconds that a step takes, the median of late; None if unknown.
    config
        Settings by name; those inside others are named with dots.
    previous, following
        Keys of the neighbours in triage order.
    group
        Name that runs of one job share; empty for a run of its own.
    is_broken
        The loss was NaN or infinite at some step.
    outline
        Mean loss over equal stretches of the run, by step.
    clock
        When its steps ended.
    trial
        The run as it is compared with others.
    alerts
        What a watcher would find firing now.
    token
        Stands for this state; two views with one token are the same.
    """

    key: str
    name: str
    state: RunState
    judgement: Judgement
    last_step: int | None = None
    total_steps: int | None = None
    lr: float | None = None
    best_loss: float | None = None
    optimizer: str = ""
    created_at: float = 0.0
    updated_at: float = 0.0
    usual_gap: float | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    lost_rows: int = 0
    previous: str | None = None
    following: str | None = None
    group: str = ""
    is_broken: bool = False
    outline: Curve = field(default_factory=_no_curve, compare=False)
    clock: Clock = field(default_factory=_no_clock, compare=False)
    trial: Trial = field(default_factory=_no_trial, compare=False)
    alerts: tuple[Alert, ...] = ()
    token: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class RunCurves:
    """The lines of the Run page, thinned to what a screen can show.

    Attributes
    ----------
    last_step
        Last recorded step; None before the first.
    loss, smooth_loss
        Raw and smoothed loss; empty where none was recorded.
    half_life
        Half-life of the smoothing. Unit: steps.
    lr
        Learning rate, one curve a parameter group.
    clipped
        Gradient norm after clipping; None where it never differs.
    update_ratio
        Norm of the update over norm of the parameters, on sampled steps.
    broken
        Steps whose loss was NaN or infinite, thinned.
    n_broken, first_broken, stays_broken
        How many there are, the first, and whether no loss after it was finite.
    resumes
        Steps from which the run was taken up again.
    window
        The zoom for which the lines are at full detail; None for the whole run.
    token
        Stands for the recorded rows; the same token means the same curves.
    """

    last_step: int | None
    loss: Curve
    smooth_loss: Curve
    half_life: int
    lr: tuple[Curve, ...]
    grad_norm: Curve
    clipped: Curve | None
    update_ratio: Curve
    broken: npt.NDArray[np.float64]
    n_broken: int
    first_broken: int | None
    stays_broken: bool
    resumes: tuple[int, ...]
    window: Window | None
    token: str


class RunSource(Protocol):
    """Where pages get what they show. Every method may be called from several threads."""

    @property
    def alerts(self) -> AlertSource:
        """What is known of alerts on the runs."""

    def overview(self, since: str = "") -> Overview:
        """Return the table of runs, or what changed in it since a token."""

    def run(self, key: str) -> RunView | None:
        """Return one run; None if there is no such run."""

    def runs(self, keys: Iterable[str] | None = None) -> tuple[RunView, ...]:
        """Return those of the runs that there are, in the order given; every run without keys.

        Their neighbours are left out.
        """

    def outlines(self, key: str, half_life: int) -> RunCurves | None:
        """Return the lines of a long run without reading it, for a chart of many runs.

        None if it is not long, or has to be read for a smoothing that fine.
        """

    def curves(
        self, key: str, window: Window | None = None, half_life: int | None = None
    ) -> RunCurves | None:
        """Return the curves of one run; None if there is no such run.

        Parameters
        ----------
        key
            Which run.
        window
            Steps to show in full detail; None for all.
        half_life
            Of the smoothing, in steps; None for one that fits the run, 0 for no smoothing.
        """

    def rows(self, key: str) -> Any | None:
        """Return the rows of one run as a `pyarrow.Table`; None if there are none to be had."""

    def healthy(self) -> str:
        """Return an empty text if runs can be read, else the reason why not."""

    def looked_ago(self) -> float | None:
        """Return how many seconds ago the folder was last looked at; None if it never was."""
