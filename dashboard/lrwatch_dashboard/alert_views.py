"""What the Alerts page shows: view models of alerts, of who is told, and of who sees to it.

`AlertSource` is what the page and the metrics ask; `lrwatch_dashboard.data` answers it from the
files that ``lrwatch alert`` keeps in the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

__all__ = [
    "LONGEST_TEXT",
    "AlertBoard",
    "AlertLine",
    "AlertSource",
    "HistoryLine",
    "Quiet",
    "ReceiverLine",
    "RuleTally",
    "SilenceLine",
    "SilenceWish",
    "WatcherView",
    "attention",
]

LONGEST_TEXT: Final = 300
"""Signs of a reason or a name that comes from the page."""

Quiet = Literal["", "silenced", "acknowledged", "inhibited", "info"]
"""Why nobody is told of an alert; empty if somebody is."""


@dataclass(frozen=True, slots=True)
class AlertLine:
    """One alert.

    Attributes
    ----------
    id, episode
        Name of what is told once.
    rule, severity, state
        As in `lrwatch.alerts.Alert`. `state` is ``unsent`` for what the dashboard itself sees
        while nobody follows the store.
    run_key, run
        Key of the run, empty if it is not in the store any more, and its name.
    verdict
        A verdict of lrwatch, or the rule for one that is about the run's files.
    interval
        Steps that it rests on; None if none.
    since_step, since
        Where it began to be wrong, and when the state was entered in seconds since the Unix
        epoch; 0 where that is unknown.
    told_at
        When somebody was told; None if nobody was.
    quiet, quiet_note
        Why nobody is told, and the words that were given with it.
    """

    id: str
    episode: int
    rule: str
    severity: Literal["page", "ticket", "info"]
    state: str
    run_key: str
    run: str
    verdict: str
    reason: str
    advice: str = ""
    interval: tuple[int, int] | None = None
    since_step: int | None = None
    since: float = 0.0
    told_at: float | None = None
    quiet: Quiet = ""
    quiet_note: str = ""


@dataclass(frozen=True, slots=True)
class WatcherView:
    """The ``lrwatch alert`` that follows the store, or the one that did last.

    Attributes
    ----------
    is_following
        Whether it has looked of late.
    looked_at
        Seconds since the Unix epoch.
    took_seconds
        What a look takes.
    problem
        What keeps it from its work; empty if nothing does.
    """

    host: str
    pid: int
    is_following: bool
    looked_at: float
    took_seconds: float = 0.0
    n_runs: int = 0
    problem: str = ""


@dataclass(frozen=True, slots=True)
class ReceiverLine:
    """Where messages go, by a name without secrets, and how that went."""

    name: str
    kind: str
    sent: int = 0
    failed: int = 0
    dropped: int = 0
    queued: int = 0
    last_success_at: float | None = None
    last_failure_at: float | None = None
    problem: str = ""


@dataclass(frozen=True, slots=True)
class SilenceLine:
    """A silence: patterns of runs, of groups and of rules, until when, why, and by whom."""

    id: str
    run: str
    rule: str
    ends_at: float
    reason: str
    by: str = ""
    group: str = "*"
    until_worse: bool = False


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """Something that happened: when, what in one word, and a sentence."""

    at: float
    event: str
    text: str


@dataclass(frozen=True, slots=True)
class RuleTally:
    """How many alerts of a rule were sent, acknowledged and silenced."""

    rule: str
    sent: int
    acknowledged: int
    silenced: int


@dataclass(frozen=True, slots=True)
class AlertBoard:
    """Everything about alerts at one time.

    Attributes
    ----------
    firing
        What fires or recovers, the worst first. While nobody follows the store, what did when
        it was last looked at, and is not among `unsent`.
    n_pending
        How many may fire soon.
    unsent
        What the dashboard itself sees while nobody follows the store; nobody is told, though
        somebody may have been.
    ended
        What is over, the latest first.
    history
        The latest first.
    watcher
        None if nobody ever followed the store.
    problem
        What cannot be read of the files; empty if all can.
    token
        Stands for this state, the time of the last look apart.
    """

    firing: tuple[AlertLine, ...] = ()
    n_pending: int = 0
    unsent: tuple[AlertLine, ...] = ()
    ended: tuple[AlertLine, ...] = ()
    history: tuple[HistoryLine, ...] = ()
    watcher: WatcherView | None = None
    receivers: tuple[ReceiverLine, ...] = ()
    silences: tuple[SilenceLine, ...] = ()
    tallies: tuple[RuleTally, ...] = ()
    rules: tuple[str, ...] = ()
    folder: str = ""
    problem: str = ""
    by_state: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    token: str = ""

    @property
    def is_followed(self) -> bool:
        """Whether a watcher follows the store."""
        return self.watcher is not None and self.watcher.is_following


@dataclass(frozen=True, slots=True)
class SilenceWish:
    """A silence that somebody asks for: a pattern of runs, a rule (empty for any), how long."""

    run: str
    rule: str
    seconds: float
    reason: str
    by: str = ""
    until_worse: bool = False


class AlertSource(Protocol):
    """Where the Alerts page gets what it shows. Every method may be called from several threads."""

    def board(self) -> AlertBoard:
        """Return everything about alerts."""

    def acknowledge(self, alert: str, episode: int, by: str = "") -> str:
        """Take an alert on; return why that cannot be done, and nothing if it was."""

    def silence(self, wish: SilenceWish) -> str:
        """Silence alerts; return why that cannot be done, and nothing if it was."""

    def end_silence(self, silence: str) -> str:
        """End a silence before its time; return why that cannot be done, or nothing."""


def attention(lines: Iterable[AlertLine]) -> int:
    """Return how many alerts ask for somebody who has not been found yet."""
    return sum(line.state in ("firing", "unsent") and not line.quiet for line in lines)
