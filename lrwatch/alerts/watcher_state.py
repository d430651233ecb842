"""What the watcher of a store remembers: ``state.json``.

Alerts themselves need no memory, since a run read again from its first row gives the same
ones. What has to be remembered is which of them were sent, and how the watcher and its
receivers are doing. Everybody may read it, the dashboard does.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from lrwatch.alert import Alert
from lrwatch.codec import FloatOrNan, read_record, write_record
from lrwatch.delivery import Message, ReceiverHealth
from lrwatch.plain_files import alerts_folder
from lrwatch.records import RunState

__all__ = [
    "JudgedRun",
    "KnownAlert",
    "RuleTally",
    "ToldStatus",
    "WatcherHealth",
    "WatcherState",
    "read_state",
    "write_state",
]

ToldStatus = Literal["firing", "resolved"]

_STATE: Final = "state.json"


@dataclass(frozen=True, slots=True)
class KnownAlert:
    """An alert, and what was sent and said about it.

    Attributes
    ----------
    alert
        In its present state.
    run_key
        Path of its run relative to the store, with ``/``.
    run_state
        What the run does.
    changed_at
        When the watcher saw it enter its state, seconds since the Unix epoch by its own clock:
        that of the rows may be another one.
    told_at
        When it was last sent, seconds since the Unix epoch; ``None`` if never.
    told_episode, told_status
        Which episode was sent last, as firing or as over; 0 and ``None`` if none was.
    times_told
        How often it was sent that this episode fires.
    inhibited_by
        Rule of the alert on the same run that says more, so that this one is not sent.
    silenced_by
        Id of the silence that keeps it from being sent.
    acknowledged_by
        Who is handling this episode.
    """

    alert: Alert
    run_key: str
    run_state: RunState
    changed_at: float = 0.0
    told_at: float | None = None
    told_episode: int = 0
    told_status: ToldStatus | None = None
    times_told: int = 0
    inhibited_by: str | None = None
    silenced_by: str | None = None
    acknowledged_by: str | None = None

    @property
    def is_told(self) -> bool:
        """Whether it was sent that this episode fires, or fired."""
        return self.told_episode == self.alert.episode > 0


@dataclass(frozen=True, slots=True)
class WatcherHealth:
    """The process that watches the store, and its last look.

    Attributes
    ----------
    host, pid, version
        Where it runs, and which lrwatch it is.
    started_at, looked_at
        Seconds since the Unix epoch.
    took_seconds
        How long the last look took.
    n_runs
        Runs in the store that were written recently.
    problem
        What went wrong in the last look, or is wrong with the configuration; else empty.
    """

    host: str
    pid: int
    version: str
    started_at: float
    looked_at: float
    took_seconds: float
    n_runs: int
    problem: str = ""


@dataclass(frozen=True, slots=True)
class RuleTally:
    """What became of a rule's alerts; one silenced more often than acknowledged is to be retuned.

    Attributes
    ----------
    sent, acknowledged, silenced
        How many times.
    """

    sent: int = 0
    acknowledged: int = 0
    silenced: int = 0


@dataclass(frozen=True, slots=True)
class JudgedRun:
    """A run that has ended, and was judged to its end.

    Attributes
    ----------
    last_write
        When it was last written, seconds since the Unix epoch: later rows are judged again.
    group
        Name that the runs of its job share.
    peak_lr
        Highest learning rate; NaN where none was recorded.
    """

    last_write: float
    group: str | None = None
    peak_lr: FloatOrNan = math.nan


@dataclass(frozen=True, slots=True)
class WatcherState:
    """Everything in ``state.json``.

    Attributes
    ----------
    updated_at
        When it was written, seconds since the Unix epoch.
    watcher
        Who wrote it.
    alerts
        Every alert that is in a state, and those that ended recently.
    receivers
        How they are doing.
    rules
        By name of the rule.
    told_groups
        By group: when the last message about it was made.
    judged
        By path of a run in the store: runs that have ended and are not judged again.
    last_message
        Number of the last message in the outbox that `alerts` takes account of. Those after it
        were sent before a watcher that was killed could remember them here.
    outgoing
        Messages that an earlier version had still to put into the outbox when it was killed.
    """

    updated_at: float
    watcher: WatcherHealth
    alerts: tuple[KnownAlert, ...] = ()
    receivers: tuple[ReceiverHealth, ...] = ()
    rules: Mapping[str, RuleTally] = field(default_factory=dict)
    told_groups: Mapping[str, float] = field(default_factory=dict)
    judged: Mapping[str, JudgedRun] = field(default_factory=dict)
    last_message: int = 0
    outgoing: tuple[Message, ...] = ()


def read_state(store: str | os.PathLike[str]) -> WatcherState | None:
    """Read what a watcher remembers of a store; ``None`` if there never was one.

    Raises
    ------
    StateUnreadable
        If the file is damaged or of a later format.
    """
    return read_record(alerts_folder(store) / _STATE, WatcherState, reshape=_with_nested_alerts)


def write_state(store: str | os.PathLike[str], state: WatcherState) -> None:
    """Replace ``state.json``; only the watcher of the store may.

    Raises
    ------
    OSError
        If it cannot be written; the earlier one is then left as it was.
    """
    write_record(alerts_folder(store) / _STATE, state, reshape=_with_flat_alerts)


def _with_flat_alerts(content: dict[str, Any]) -> dict[str, Any]:
    # Other programs find the fields of an alert, and what is known of it, side by side.
    content["alerts"] = [{**known.pop("alert"), **known} for known in content["alerts"]]
    return content


def _with_nested_alerts(content: dict[str, Any]) -> dict[str, Any]:
    known = content.get("alerts")
    if isinstance(known, list):
        content["alerts"] = [{**k, "alert": k} if isinstance(k, dict) else k for k in known]
    return content
