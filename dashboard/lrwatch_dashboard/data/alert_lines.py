"""From what is known of alerts to the lines of the Alerts page."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Final

from lrwatch.alert import SEVERITIES
from lrwatch.alerts.memory import AlertMemory
from lrwatch.alerts.silences import Acknowledgement, Silence
from lrwatch.alerts.watcher_state import KnownAlert, WatcherState
from lrwatch.verdicts import SEVERITY
from lrwatch_dashboard.alert_views import AlertBoard, AlertLine, HistoryLine

__all__ = ["N_ENDED", "Said", "alert_lines", "history_line", "with_ledger", "worst_first"]

_FOLLOWING_SECONDS: Final = 60.0
_FOLLOWING_LOOKS: Final = 5.0
"""A watcher follows while its last look is no older than this, or than so many looks take."""

_PRESENT: Final = ("pending", "firing", "recovering")
N_ENDED: Final = 20
_LONGEST_TEXT: Final = 2000
_HISTORY_WORDS: Final = ("run_key", "rule", "by", "receiver", "reason", "problem")


Said = tuple[Sequence[Silence], Mapping[tuple[str, int], Acknowledgement]]
"""What people have said to alerts: silences, and who is handling which."""


def alert_lines(known: Iterable[KnownAlert], said: Said) -> list[AlertLine]:
    """Return the lines of alerts, as a watcher that looked now would hold them back."""
    memory, (silences, acknowledged) = AlertMemory(known), said
    memory.mark_handled(silences, acknowledged)
    reasons = {silence.id: silence.reason for silence in silences}
    return [_line(one, reasons) for one in memory.known.values()]


def with_ledger(
    board: AlertBoard, state: WatcherState, said: Said, keys: Collection[str], now: float
) -> AlertBoard:
    """Return a board with what a watcher wrote down.

    `keys` are the runs that the store has; `now` is in seconds since the Unix epoch.
    """
    watcher = state.watcher
    patience = max(_FOLLOWING_SECONDS, _FOLLOWING_LOOKS * watcher.took_seconds)
    is_followed = now - watcher.looked_at <= patience
    lines = [
        line if line.run_key in keys else dataclasses.replace(line, run_key="")
        for line in alert_lines(state.alerts, said)
    ]
    by_state: dict[str, list[AlertLine]] = {}
    for line in lines:
        by_state.setdefault(line.alert.state, []).append(line)
    ended = [line for line in lines if line.alert.state not in _PRESENT]
    present = [line.alert for line in lines if line.alert.state in _PRESENT]
    firing = [*by_state.get("firing", []), *by_state.get("recovering", [])]
    return dataclasses.replace(
        board,
        firing=tuple(sorted(firing, key=worst_first)),
        n_pending=len(by_state.get("pending", [])),
        ended=tuple(sorted(ended, key=lambda line: -line.alert.time)[:N_ENDED]),
        watcher=watcher,
        is_followed=is_followed,
        receivers=state.receivers,
        tallies=dict(sorted(state.rules.items())),
        rules=tuple(dict.fromkeys([*board.rules, *state.rules])),
        by_state=Counter((a.rule, a.severity, a.state) for a in present if is_followed),
    )


def worst_first(line: AlertLine) -> tuple[bool, int, int, float, str]:
    """Return what alerts are sorted by: those that nobody handles, severity, verdict, latest."""
    alert, rank = line.alert, SEVERITY.get(line.verdict, len(SEVERITY))
    return bool(line.quiet), -SEVERITIES[alert.severity], rank, -alert.time, alert.run


def history_line(record: Mapping[str, Any]) -> HistoryLine | None:
    """Return a line of the history; None if it is not one.

    A page would take some JSON objects for elements, so everything is made text or a number.
    """
    event, at = record.get("event"), record.get("at")
    if not isinstance(event, str) or not isinstance(at, int | float) or not math.isfinite(at):
        return None
    words = [str(record[name])[:_LONGEST_TEXT] for name in _HISTORY_WORDS if record.get(name)]
    return HistoryLine(float(at), event, " · ".join(words))


def _line(one: KnownAlert, reasons: Mapping[str, str]) -> AlertLine:
    line = AlertLine(one.alert, one.run_key, one.told_at if one.is_told else None)
    if one.acknowledged_by is not None:
        return dataclasses.replace(line, quiet="acknowledged", quiet_note=one.acknowledged_by)
    if one.silenced_by is not None:
        return dataclasses.replace(line, quiet="silenced", quiet_note=reasons[one.silenced_by])
    if one.alert.severity == "info":
        return dataclasses.replace(line, quiet="info")
    return dataclasses.replace(line, quiet="inhibited" if one.inhibited_by else "")
