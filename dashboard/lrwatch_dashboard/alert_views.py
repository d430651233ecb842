"""What the Alerts page shows: alerts, who is sent them, and who is handling them.

`AlertSource` is what the page and the metrics ask; `lrwatch_dashboard.data` answers it from the
files that ``lrwatch alert`` keeps in the store.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol

from lrwatch.activity import Activity
from lrwatch.alert import Alert
from lrwatch.alerts.silences import Matcher, Silence
from lrwatch.alerts.watcher_state import RuleTally, WatcherHealth
from lrwatch.delivery import ReceiverHealth

__all__ = [
    "LONGEST_TEXT",
    "AlertBoard",
    "AlertLine",
    "AlertSource",
    "HistoryLine",
    "Matcher",
    "Quiet",
    "ReceiverHealth",
    "RuleTally",
    "Silence",
    "WatcherHealth",
    "attention",
]

LONGEST_TEXT: Final = 300
"""Characters of a reason or a name that comes from the page."""

Quiet = Literal["", "silenced", "acknowledged", "inhibited", "info"]
"""Why an alert is not sent; empty if it is."""


@dataclass(frozen=True, slots=True)
class AlertLine:
    """An alert, and what became of it.

    Attributes
    ----------
    alert
        In its present state.
    run_key
        Key of the run; empty if it is no longer in the store.
    told_at
        When it was sent, seconds since the Unix epoch; None if it was not.
    quiet, quiet_note
        Why it is not sent, and the words that were given with that.
    """

    alert: Alert
    run_key: str
    told_at: float | None = None
    quiet: Quiet = ""
    quiet_note: str = ""

    @property
    def verdict(self) -> str:
        """A verdict of lrwatch, or the rule where the alert is about the run's files."""
        is_about_files = self.alert.verdict == "insufficient_data"
        return self.alert.rule if is_about_files else self.alert.verdict


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """Something that happened: when, what in one word, and a sentence."""

    at: float
    event: str
    text: str


@dataclass(frozen=True, slots=True)
class AlertBoard:
    """Everything about alerts at one time.

    Attributes
    ----------
    firing
        What fires or recovers, the worst first. While no watcher is running, what did at its
        last look, and is not among `unsent`.
    n_pending
        How many may fire soon.
    unsent
        What the dashboard itself sees while no watcher is running; some of it may have been
        sent by one that has gone.
    ended, history
        The latest first.
    watcher
        The ``lrwatch alert`` that follows the store, or the one that did last; None if none
        ever did.
    is_followed
        Whether it has looked recently.
    activity
        What people did in the store, the latest first.
    tallies
        By rule: how many alerts were sent, acknowledged and silenced.
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
    watcher: WatcherHealth | None = None
    is_followed: bool = False
    receivers: tuple[ReceiverHealth, ...] = ()
    silences: tuple[Silence, ...] = ()
    tallies: Mapping[str, RuleTally] = field(default_factory=dict)
    rules: tuple[str, ...] = ()
    activity: tuple[Activity, ...] = ()
    folder: str = ""
    problem: str = ""
    by_state: Mapping[tuple[str, str, str], int] = field(default_factory=dict)
    token: str = ""


class AlertSource(Protocol):
    """Where the Alerts page gets what it shows. Every method may be called from several threads."""

    @property
    def is_read_only(self) -> bool:
        """Whether who asks now may write nothing."""

    def board(self) -> AlertBoard:
        """Return everything about alerts."""

    def acknowledge(self, alert: str, episode: int, by: str = "") -> str:
        """Take an alert on; return why that cannot be done, and nothing if it was."""

    def silence(
        self, matcher: Matcher, *, seconds: float, reason: str, by: str = "", until_worse: bool
    ) -> str:
        """Silence alerts; return why that cannot be done, and nothing if it was."""

    def end_silence(self, silence: str) -> str:
        """End a silence before its time; return why that cannot be done, or nothing."""


def attention(lines: Iterable[AlertLine]) -> int:
    """Return how many alerts fire and are nobody's yet."""
    return sum(line.alert.state == "firing" and not line.quiet for line in lines)
