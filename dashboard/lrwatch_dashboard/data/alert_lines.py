"""From what is known of alerts to the lines of the Alerts page."""

from __future__ import annotations

import dataclasses
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lrwatch.alert import SEVERITIES, Alert
from lrwatch.alerts.silences import Acknowledgement, Silence
from lrwatch.alerts.watcher_state import KnownAlert, WatcherState
from lrwatch.verdicts import SEVERITY
from lrwatch_dashboard.alert_views import AlertBoard, AlertLine, HistoryLine, Quiet

__all__ = ["Said", "history_line", "unsent_line", "with_ledger", "worst_first"]

_FOLLOWING_SECONDS: Final = 60.0
_FOLLOWING_LOOKS: Final = 5.0
"""A watcher follows while its last look is no older than this, or than so many looks take."""

_PRESENT: Final = ("pending", "firing", "recovering")
_N_ENDED: Final = 20
_LONGEST_TEXT: Final = 2000
_HISTORY_WORDS: Final = ("run_key", "rule", "by", "receiver", "reason", "problem")


@dataclass(frozen=True, slots=True)
class Said:
    """What people have said to alerts: silences, and who is handling which."""

    silences: Sequence[Silence]
    acknowledged: Mapping[tuple[str, int], Acknowledgement]

    def to(
        self, alert: Alert, run_key: str, *, heeded: str | None = None, heeded_at: float = 0.0
    ) -> tuple[Quiet, str]:
        """Return why an alert is not sent, and in whose words; empty if it is.

        `heeded` is the id of the silence that the watcher heeds, and `heeded_at` when it looked: of
        a silence that holds until it gets worse, it alone knows whether it still does.
        """
        acknowledged = self.acknowledged.get((alert.id, alert.episode))
        if acknowledged is not None:
            return "acknowledged", acknowledged.by
        for silence in self.silences:
            is_open = not silence.until_worse or silence.created_at > heeded_at
            if silence.matcher.matches(alert, run_key) and (is_open or silence.id == heeded):
                return "silenced", silence.reason
        return ("info", "") if alert.severity == "info" else ("", "")


def with_ledger(
    board: AlertBoard, state: WatcherState, said: Said, keys: Collection[str], now: float
) -> AlertBoard:
    """Return a board with what a watcher wrote down.

    `keys` are the runs that the store has; `now` is in seconds since the Unix epoch.
    """
    watcher = state.watcher
    patience = max(_FOLLOWING_SECONDS, _FOLLOWING_LOOKS * watcher.took_seconds)
    is_followed = now - watcher.looked_at <= patience
    lines = [_known_line(known, said, keys, watcher.looked_at) for known in state.alerts]
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
        ended=tuple(sorted(ended, key=lambda line: -line.alert.time)[:_N_ENDED]),
        watcher=watcher,
        is_followed=is_followed,
        receivers=state.receivers,
        tallies=dict(sorted(state.rules.items())),
        rules=tuple(dict.fromkeys([*board.rules, *state.rules])),
        by_state=Counter((a.rule, a.severity, a.state) for a in present if is_followed),
    )


def unsent_line(alert: Alert, run_key: str, said: Said, inhibited: Collection[str]) -> AlertLine:
    """Return the line of what the dashboard itself sees."""
    quiet, note = said.to(alert, run_key)
    if not quiet and alert.id in inhibited:
        quiet = "inhibited"
    return AlertLine(alert, run_key, quiet=quiet, quiet_note=note)


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


def _known_line(
    known: KnownAlert, said: Said, keys: Collection[str], looked_at: float
) -> AlertLine:
    alert = known.alert
    quiet, note = said.to(alert, known.run_key, heeded=known.silenced_by, heeded_at=looked_at)
    if not quiet and known.acknowledged_by:
        quiet, note = "acknowledged", known.acknowledged_by
    elif not quiet and known.inhibited_by:
        quiet = "inhibited"
    told_at = known.told_at if known.is_told else None
    run_key = known.run_key if known.run_key in keys else ""
    return AlertLine(alert, run_key, told_at, quiet, note)
