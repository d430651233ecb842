"""What the pages show: view models without a trace of Dash, plotly or the disk.

`RunSource` is what a page asks; `lrwatch_dashboard.data` answers it from a folder of runs, and
the tests answer it from memory.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import numpy as np
import numpy.typing as npt

from lrwatch.activity import Activity
from lrwatch.alert import Alert
from lrwatch.comparing import Trial
from lrwatch.finding import RunFacts
from lrwatch.following import RunSummary
from lrwatch.formats import NOTHING, number
from lrwatch.records import FloatArray, RunState
from lrwatch.verdicts import SEVERITY, Diagnosis, Evidence
from lrwatch_dashboard.alert_views import AlertSource
from lrwatch_dashboard.own_metrics import MetricSummary

__all__ = [
    "AlertMark",
    "Curve",
    "LabelChange",
    "LabelSource",
    "Overview",
    "RunCurves",
    "RunSource",
    "RunView",
    "StepTimes",
    "Window",
    "setting_text",
]

_END_OF_TIME: Final = 2e10  # seconds since the Unix epoch, far ahead
_PINNED: Final = 100  # more than there are places

Window = tuple[float, float]
"""First and last step of a zoom."""


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Points of one line: steps and values, both of shape ``(n_points,)``."""

    name: str
    x: npt.NDArray[np.float64]
    y: npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class AlertMark:
    """Where an alert on a run's verdict fired, or where it was over.

    Attributes
    ----------
    step
        The step at which that was so.
    rule
        Name of its rule.
    episode
        How many times it had fired by then.
    is_over
        Whether it ended there.
    """

    step: int
    rule: str
    episode: int
    is_over: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class StepTimes:
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


_NO_CURVE: Final = Curve("", np.empty(0), np.empty(0))
_NO_CLOCK: Final = StepTimes(np.empty(0), np.empty(0))
_NO_TRIAL: Final = Trial("", math.nan, RunSummary())


@dataclass(frozen=True, slots=True)
class RunView:
    """One run: a row of the Overview, and what the Run page says beside the curves.

    Attributes
    ----------
    key
        The run's folder, relative to the watched folder.
    state
        What the run is doing; ``silent`` is one that calls itself running and has written nothing
        for long.
    diagnosis
        The verdict so far; None while there is none.
    alone
        The verdict on the run by itself, where `diagnosis` is the one beside its siblings.
    problem
        What cannot be read of the run; empty if all can.
    steps, last_step
        Steps recorded so far, and the number of the last one; None before the first.
    lr, best_loss
        Peak learning rate so far; lowest mean loss over a short stretch, so that no lucky batch
        counts.
    created_at, updated_at
        Seconds since the Unix epoch.
    usual_gap
        Seconds that a step takes, the recent median; None if unknown.
    config
        Settings by name; nested ones are named with dots.
    job
        When, where and how it ran, by name: ``started``, ``command``, ``error`` and others; empty
        where many runs are asked for.
    group
        Name that runs of one job share; empty for a run of its own.
    lost_rows
        Steps that could not be written.
    is_broken
        The loss was NaN or infinite at some step.
    sparkline
        Height of the loss curve at equal distances, 0 to 99; None where there is none.
    outline
        Mean loss over equal stretches of the run, by step.
    clock
        When its steps ended.
    metrics
        What its user's own metrics came to, by name of the column.
    trial
        The run as it is compared with others.
    alerts
        What a watcher would find firing now.
    ended_alerts
        What fired when the run ended, within the last day.
    alert_marks
        Where alerts fired and ended on the way, in the order of the steps.
    tags, note, is_pinned, is_archived
        What people said of it; the note is Markdown.
    previous, following
        Keys of the neighbours in triage order.
    token
        Stands for this state; two views with one token are the same.
    """

    key: str
    name: str
    state: RunState
    diagnosis: Diagnosis | None = None
    alone: Diagnosis | None = field(default=None, compare=False)
    problem: str = ""
    steps: int = 0
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
    job: Mapping[str, str] = field(default_factory=dict, compare=False)
    group: str = ""
    lost_rows: int = 0
    is_broken: bool = False
    sparkline: tuple[int | None, ...] = ()
    outline: Curve = field(default=_NO_CURVE, compare=False)
    clock: StepTimes = field(default=_NO_CLOCK, compare=False)
    metrics: Mapping[str, MetricSummary] = field(default_factory=dict, compare=False)
    trial: Trial = field(default=_NO_TRIAL, compare=False)
    alerts: tuple[Alert, ...] = ()
    ended_alerts: tuple[Alert, ...] = ()
    alert_marks: tuple[AlertMark, ...] = ()
    tags: tuple[str, ...] = ()
    note: str = ""
    is_pinned: bool = False
    is_archived: bool = False
    previous: str | None = None
    following: str | None = None
    token: str = field(default="", compare=False)

    @property
    def verdict(self) -> str:
        """A verdict of lrwatch, ``judging`` or ``unreadable``."""
        if self.diagnosis is None or (self.problem and not self.steps):
            return "unreadable" if self.problem else "judging"
        return self.diagnosis.verdict

    @property
    def reason(self) -> str:
        """One sentence: the reason of the verdict, or why there is none."""
        if self.diagnosis is None:
            return self.problem or "Reading the run; the verdict follows"
        if not self.steps:
            return self.problem or "No step recorded yet"
        if self.problem:
            return f"{self.diagnosis.reason}; part of the run cannot be read: {self.problem}"
        return self.diagnosis.reason

    @property
    def evidence(self) -> Sequence[Evidence]:
        """The tests behind the verdict."""
        return self.diagnosis.evidence if self.diagnosis else ()

    @property
    def suggested_lr(self) -> float | None:
        """The learning rate to try next; None if nothing is suggested."""
        return self.diagnosis.suggested_lr if self.diagnosis else None

    @property
    def rank(self) -> float:
        """A number that sorts as triage does: worst first, then still running, then newest.

        Runs that were pinned come before all others.
        """
        severity = SEVERITY.get(self.verdict, len(SEVERITY))
        age = _END_OF_TIME - min(max(self.created_at, 0.0), _END_OF_TIME)
        place = 2 * severity + (self.state != "running")
        return (place - self.is_pinned * _PINNED) * _END_OF_TIME + age

    @property
    def facts(self) -> RunFacts:
        """What a filter may ask of it."""
        return RunFacts(
            name=self.name,
            folder=self.key,
            verdict=self.verdict,
            learning_rate=self.diagnosis.learning_rate if self.diagnosis else "unknown",
            reason=self.reason,
            state=self.state,
            optimizer=self.optimizer,
            group=self.group,
            config=self.config,
            tags=self.tags,
            note=self.note,
            is_pinned=self.is_pinned,
            is_archived=self.is_archived,
            lr=self.lr,
            loss=self.best_loss,
            steps=self.steps,
            metrics=self.metrics,
        )


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
        Stands for this state of the table; hand it back to get what changed.
    verdicts
        Number of runs of each verdict, in the whole table.
    problem
        Why the folder cannot be read; empty if it can.
    """

    folder: str
    rows: tuple[RunView, ...]
    removed: tuple[str, ...]
    whole: bool
    token: str
    n_runs: int
    n_running: int
    verdicts: Mapping[str, int]
    problem: str = ""


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
    is_steady
        None of the rates ever changed.
    marks
        Where alerts fired and ended; always by step.
    schedule
        Name of the schedule of the first group, in words; empty where it has none, or was not
        asked for.
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
    cuts
        Steps at which a steady learning rate was cut, the first of many.
    window
        The zoom for which the lines are at full detail; None for the whole run.
    own
        Lines of the user's own metrics, those that were asked for.
    waiting
        Names of those that are still being read, and empty so far.
    flat
        Names of those that have had one value only, in the whole run.
    token
        Stands for the recorded rows; the same token means the same curves.
    """

    last_step: int | None
    loss: Curve
    smooth_loss: Curve
    half_life: int
    lr: tuple[Curve, ...]
    grad_norm: Curve
    update_ratio: Curve
    token: str
    clipped: Curve | None = None
    broken: npt.NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    n_broken: int = 0
    first_broken: int | None = None
    stays_broken: bool = False
    resumes: tuple[int, ...] = ()
    window: Window | None = None
    own: tuple[Curve, ...] = ()
    waiting: tuple[str, ...] = ()
    flat: frozenset[str] = frozenset()
    cuts: tuple[int, ...] = ()
    schedule: str = ""
    is_steady: bool = False
    marks: tuple[AlertMark, ...] = ()


@dataclass(frozen=True, slots=True)
class LabelChange:
    """What people say of runs; None and nothing leave what was said before."""

    add_tags: tuple[str, ...] = ()
    drop_tags: tuple[str, ...] = ()
    name: str | None = None
    note: str | None = None
    pinned: bool | None = None
    archived: bool | None = None


class LabelSource(Protocol):
    """Where pages say something of runs; each method returns what could not be done."""

    @property
    def is_read_only(self) -> bool:
        """Whether who asks now may write nothing."""

    def label(self, keys: Sequence[str], change: LabelChange) -> str:
        """Change what is said of runs."""

    def throw_away(self, keys: Sequence[str]) -> tuple[str, str]:
        """Throw runs away; return also what takes them back."""

    def take_back(self, receipt: str) -> str:
        """Take back what was thrown away."""


def setting_text(value: Any) -> str:
    """Return the value of a setting as a table shows it.

    Examples
    --------
    >>> setting_text(0.1), setting_text(True), setting_text(None)
    ('0.1', 'true', '–')
    """
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return str(value).lower()
    return number(value, 6) if isinstance(value, float) else str(value)


class RunSource(Protocol):
    """Where pages get what they show. Every method may be called from several threads."""

    @property
    def labels(self) -> LabelSource:
        """Where people say something of runs."""

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

    def curves(  # noqa: PLR0913  what is asked for is keyword-only
        self,
        key: str,
        window: Window | None = None,
        half_life: int | None = None,
        *,
        is_coarse: bool = False,
        names_schedule: bool = False,
        own: Sequence[str] = (),
        patience: float | None = None,
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
        is_coarse
            Whether a long run need not be read for it, for a chart of many runs.
        names_schedule
            Whether to name the schedule, for which every rate is looked at.
        own
            Which of the user's metrics to read as well; one that the run does not have is empty.
        patience
            Seconds to wait for those; what is not read by then is `RunCurves.waiting`, and comes
            with a later call. None waits for all.
        """

    def rows(self, key: str) -> Any | None:
        """Return the rows of one run as a `pyarrow.Table`; None if there are none to be had."""

    def activity(self, run: str = "") -> Sequence[Activity]:
        """Return what people did lately in the store, or to one run of it; the latest first."""

    def healthy(self) -> str:
        """Return an empty text if runs can be read, else the reason why not."""

    def ready(self) -> str:
        """Return an empty text once pages have runs to show, else what they wait for.

        It waits for nothing itself, and names no file.
        """

    def looked_ago(self) -> float | None:
        """Return how many seconds ago the folder was last looked at; None if it never was."""
