"""From what is known of alerts to the lines of the Alerts page."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lrwatch.alert import SEVERITIES
from lrwatch.alerts import Alert
from lrwatch.alerts.rules import NO_DATA, UNREADABLE
from lrwatch.alerts.silences import Acknowledgement, Silence
from lrwatch.alerts.watcher_state import KnownAlert
from lrwatch_dashboard.alert_views import AlertLine, HistoryLine, Quiet
from lrwatch_dashboard.theme import VERDICTS

__all__ = [
    "Said",
    "finite",
    "history_line",
    "known_line",
    "plain_text",
    "unsent_line",
    "worst_first",
]

_RANKS: Final = {verdict: rank for rank, verdict in enumerate(VERDICTS)}
_LONGEST_TEXT: Final = 2000
_HISTORY_WORDS: Final = ("run_key", "rule", "by", "receiver", "reason", "problem")
_ABOUT_FILES: Final = (NO_DATA, UNREADABLE)


@dataclass(frozen=True, slots=True)
class Said:
    """What people have said to alerts: silences, and who looks after which."""

    silences: Sequence[Silence]
    acknowledged: Mapping[tuple[str, int], Acknowledgement]

    def to(
        self, alert: Alert, run_key: str, *, heeded: str | None = None, heeded_at: float = 0.0
    ) -> tuple[Quiet, str]:
        """Return why nobody is told of an alert, and in whose words; empty if somebody is.

        Parameters
        ----------
        alert, run_key
            The alert, and the key of its run.
        heeded, heeded_at
            Id of the silence that the watcher heeds, and when it looked: of a silence that
            holds until it gets worse, it alone knows whether it still does.
        """
        acknowledged = self.acknowledged.get((alert.id, alert.episode))
        if acknowledged is not None:
            return "acknowledged", acknowledged.by
        for silence in self.silences:
            is_open = not silence.until_worse or silence.created_at > heeded_at
            if silence.matcher.matches(alert, run_key) and (is_open or silence.id == heeded):
                return "silenced", silence.reason
        return ("info", "") if alert.severity == "info" else ("", "")


def known_line(known: KnownAlert, said: Said, keys: Collection[str], looked_at: float) -> AlertLine:
    """Return the line of an alert of the ledger.

    Parameters
    ----------
    known
        The alert.
    said
        What people have said.
    keys
        The runs that the store has.
    looked_at
        When the watcher looked, seconds since the Unix epoch.
    """
    alert = known.alert
    quiet, note = said.to(alert, known.run_key, heeded=known.silenced_by, heeded_at=looked_at)
    if not quiet and known.acknowledged_by:
        quiet, note = "acknowledged", known.acknowledged_by
    elif not quiet and known.inhibited:
        quiet = "inhibited"
    return _line(
        alert,
        run_key=known.run_key if known.run_key in keys else "",
        told_at=finite(known.told_at) if known.is_told else None,
        quiet=quiet,
        quiet_note=plain_text(note),
    )


def unsent_line(alert: Alert, run_key: str, said: Said, inhibited: Collection[str]) -> AlertLine:
    """Return the line of what the dashboard itself sees."""
    quiet, note = said.to(alert, run_key)
    if not quiet and alert.id in inhibited:
        quiet = "inhibited"
    return _line(alert, state="unsent", run_key=run_key, quiet=quiet, quiet_note=note)


def worst_first(line: AlertLine) -> tuple[bool, int, int, float, str]:
    """Return what alerts are sorted by: those that nobody sees to, severity, verdict, latest."""
    rank = _RANKS.get(line.verdict, len(_RANKS))
    return bool(line.quiet), -SEVERITIES[line.severity], rank, -line.since, line.run


def history_line(record: Mapping[str, Any]) -> HistoryLine | None:
    """Return a line of the history; None if it is not one."""
    event = record.get("event")
    try:
        at = finite(record.get("at"))
    except (TypeError, ValueError, OverflowError):
        return None
    if not isinstance(event, str):
        return None
    words = [record.get(name) for name in _HISTORY_WORDS]
    text = " · ".join(plain_text(word) for word in words if word)
    return HistoryLine(at, plain_text(event), text)


def plain_text(value: Any) -> str:
    """Return what a file says, as text and not longer than anybody reads."""
    text = str(value)
    return text if len(text) <= _LONGEST_TEXT else text[:_LONGEST_TEXT] + " ..."


def finite(value: Any) -> float:
    """Return what a file says as a number.

    Raises
    ------
    TypeError, ValueError, OverflowError
        If it is none, or not finite.
    """
    number = float(value)
    if not math.isfinite(number):
        raise ValueError(f"expected a finite number, got {number}")
    return number


def _line(alert: Alert, **about: Any) -> AlertLine:
    fields = {
        "id": plain_text(alert.id),
        "episode": int(alert.episode),
        "rule": plain_text(alert.rule),
        "severity": alert.severity if alert.severity in SEVERITIES else "info",
        "state": plain_text(alert.state),
        "run": plain_text(alert.run),
        "verdict": plain_text(alert.rule if alert.rule in _ABOUT_FILES else alert.verdict),
        "reason": plain_text(alert.reason),
        "advice": plain_text(alert.advice),
        "interval": alert.interval,
        "since_step": int(alert.since_step),
        "since": finite(alert.time),
    }
    return AlertLine(**{**fields, **about})
