"""What was told about the runs of a store: ``state.json``, kept by the one watcher of it.

Alerts themselves need no memory, since a run read again from its first row gives the same
ones. What has to be remembered is which of them somebody was told of, and how the watcher and
its receivers are doing. Everybody may read it, the dashboard does.
"""

from __future__ import annotations

import dataclasses
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from lrwatch.alert import Alert
from lrwatch.alert_record import alert_from_record, alert_record
from lrwatch.delivery.health import ReceiverHealth
from lrwatch.delivery.message import Message
from lrwatch.errors import LedgerUnreadable
from lrwatch.plain_files import alerts_folder, read_object, replace_object
from lrwatch.records import RunState
from lrwatch.soundness import is_sound

__all__ = [
    "JudgedRun",
    "KnownAlert",
    "LedgerState",
    "RuleTally",
    "ToldStatus",
    "WatcherHealth",
    "read_state",
    "write_state",
]

ToldStatus = Literal["firing", "resolved"]

_FORMAT: Final = 1
_STATE: Final = "state.json"


@dataclass(frozen=True, slots=True)
class KnownAlert:
    """An alert, and who knows of it.

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
        When somebody was last told of it, seconds since the Unix epoch; ``None`` if never.
    told_episode, told_status
        Which episode they were told of, and that it fires, or is over; 0 and ``None`` if never.
    times_told
        How often they were told that this episode fires.
    inhibited_by
        Rule of the alert on the same run that says more, so that this one is not sent.
    silenced_by
        Id of the silence that keeps it from being sent.
    acknowledged_by
        Who has said of this episode that they look after it.
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
        """Whether somebody was told that this episode fires, or fired."""
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
        Runs in the store that were written lately.
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
    peak_lr: float = math.nan


@dataclass(frozen=True, slots=True)
class LedgerState:
    """Everything in ``state.json``.

    Attributes
    ----------
    updated_at
        When it was written, seconds since the Unix epoch.
    watcher
        Who wrote it.
    alerts
        Every alert that is in a state, and those that ended lately.
    receivers
        Who is told.
    rules
        By name of the rule.
    told_groups
        By group: when the last message about it was made.
    judged
        By path of a run in the store: runs that have ended and are not judged again.
    outgoing
        Messages on their way to the outbox; what a killed watcher still has to send.
    """

    updated_at: float
    watcher: WatcherHealth
    alerts: tuple[KnownAlert, ...] = ()
    receivers: tuple[ReceiverHealth, ...] = ()
    rules: Mapping[str, RuleTally] = field(default_factory=dict)
    told_groups: Mapping[str, float] = field(default_factory=dict)
    judged: Mapping[str, JudgedRun] = field(default_factory=dict)
    outgoing: tuple[Message, ...] = ()


def read_state(store: str | os.PathLike[str], *, strictly: bool = False) -> LedgerState | None:
    """Read what was told about the runs of a store; ``None`` if nobody ever watched it.

    Parameters
    ----------
    store
        Folder of runs.
    strictly
        Whether what no watcher of this version writes makes it damaged. It does for one that goes
        on from it; who only shows it can show more.

    Raises
    ------
    LedgerUnreadable
        If the file is damaged or of a later format.
    """
    path = alerts_folder(store) / _STATE
    try:
        content = read_object(path)
        if content is None:
            return None
        state = _state(content)
    except OSError as error:
        raise LedgerUnreadable(f"{path} cannot be read: {error.strerror or error}") from error
    except (AttributeError, KeyError, TypeError, ValueError, OverflowError) as error:
        raise LedgerUnreadable(f"{path} is damaged: {error}") from error
    if strictly and not is_sound(state):
        raise LedgerUnreadable(f"{path} is damaged: it holds what no watcher writes")
    return state


def write_state(store: str | os.PathLike[str], state: LedgerState) -> None:
    """Replace ``state.json``; only the watcher of the store may.

    Raises
    ------
    OSError
        If it cannot be written; the earlier one is then left as it was.
    """
    content = {
        "format": _FORMAT,
        **{f.name: getattr(state, f.name) for f in dataclasses.fields(state)},
        "watcher": dataclasses.asdict(state.watcher),
        "alerts": [_known_record(known) for known in state.alerts],
        "receivers": [dataclasses.asdict(receiver) for receiver in state.receivers],
        "rules": {name: dataclasses.asdict(tally) for name, tally in state.rules.items()},
        "judged": {key: dataclasses.asdict(run) for key, run in state.judged.items()},
        "outgoing": [message.record() for message in state.outgoing],
    }
    replace_object(alerts_folder(store) / _STATE, content)


def _state(content: Mapping[str, Any]) -> LedgerState:
    version = content["format"]
    if not isinstance(version, int) or version > _FORMAT:
        raise ValueError(f"it has format {version!r}, this lrwatch reads up to {_FORMAT}")
    return LedgerState(
        updated_at=float(content["updated_at"]),
        watcher=WatcherHealth(**_fields(WatcherHealth, content["watcher"])),
        alerts=tuple(_known(record) for record in content["alerts"]),
        receivers=tuple(ReceiverHealth(**_fields(ReceiverHealth, r)) for r in content["receivers"]),
        rules={k: RuleTally(**_fields(RuleTally, v)) for k, v in content["rules"].items()},
        told_groups={str(k): float(v) for k, v in content["told_groups"].items()},
        judged={k: _judged(v) for k, v in content["judged"].items()},
        outgoing=tuple(Message.from_record(record) for record in content["outgoing"]),
    )


def _known_record(known: KnownAlert) -> dict[str, Any]:
    beside = {f.name: getattr(known, f.name) for f in dataclasses.fields(known)}
    del beside["alert"]
    return {**alert_record(known.alert), **beside}


def _known(record: Mapping[str, Any]) -> KnownAlert:
    fields = _fields(KnownAlert, record)
    return KnownAlert(**{**fields, "alert": alert_from_record(record)})


def _judged(record: Mapping[str, Any]) -> JudgedRun:
    fields = _fields(JudgedRun, record)
    return JudgedRun(
        **{**fields, "peak_lr": math.nan if fields["peak_lr"] is None else fields["peak_lr"]}
    )


def _fields(kind: type[Any], record: Mapping[str, Any]) -> dict[str, Any]:
    """Return what this version knows of a record; a later one may have added to it."""
    names = {f.name for f in dataclasses.fields(kind)}
    return {name: value for name, value in record.items() if name in names}
