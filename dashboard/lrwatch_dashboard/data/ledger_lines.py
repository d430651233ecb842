"""What the watcher of a store wrote down, as the Alerts page shows it.

Whoever may write into a store may write anything into this file, and a page takes some JSON
objects for elements: all that is shown is made text or a number here.
"""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Collection
from typing import Final

from lrwatch.alerts.watcher_state import WatcherState
from lrwatch.delivery import ReceiverHealth
from lrwatch_dashboard.alert_views import (
    AlertBoard,
    AlertLine,
    ReceiverLine,
    RuleTally,
    WatcherView,
)
from lrwatch_dashboard.data.alert_lines import Said, finite, known_line, plain_text, worst_first

__all__ = ["with_ledger"]

_FOLLOWING_SECONDS: Final = 60.0
_FOLLOWING_LOOKS: Final = 5.0
"""A watcher follows while its last look is no older than this, or than so many looks take."""

_MOST: Final = 2**53
"""Of anything counted: a float, which metrics are, holds every number up to it."""

_PRESENT: Final = ("pending", "firing", "recovering")
_N_ENDED: Final = 20


def with_ledger(
    board: AlertBoard, state: WatcherState, said: Said, keys: Collection[str], now: float
) -> AlertBoard:
    """Return a board with what a watcher wrote down.

    Parameters
    ----------
    board, state
        What is known beside it, and the ledger.
    said
        What people have said to alerts.
    keys
        The runs that the store has.
    now
        Seconds since the Unix epoch.

    Raises
    ------
    TypeError, ValueError, KeyError, OverflowError
        If the ledger holds what no watcher writes.
    """
    watcher = _watcher(state, now)
    lines = [known_line(known, said, keys, watcher.looked_at) for known in state.alerts]
    ended = [line for line in lines if line.state not in _PRESENT]
    present = (line for line in lines if line.state in _PRESENT)
    counts: Counter[tuple[str, str, str]] = Counter((i.rule, i.severity, i.state) for i in present)
    return dataclasses.replace(
        board,
        firing=tuple(sorted(_in(lines, "firing", "recovering"), key=worst_first)),
        n_pending=len(_in(lines, "pending")),
        ended=tuple(sorted(ended, key=lambda line: -line.since)[:_N_ENDED]),
        watcher=watcher,
        receivers=tuple(map(_receiver, state.receivers)),
        tallies=tuple(
            RuleTally(name, *map(_count, (tally.sent, tally.acknowledged, tally.silenced)))
            for name, tally in sorted(state.rules.items())
        ),
        rules=tuple(dict.fromkeys([*board.rules, *state.rules])),
        by_state=counts if watcher.is_following else Counter(),
    )


def _in(lines: list[AlertLine], *states: str) -> list[AlertLine]:
    return [line for line in lines if line.state in states]


def _watcher(state: WatcherState, now: float) -> WatcherView:
    watcher = state.watcher
    looked_at, took = finite(watcher.looked_at), finite(watcher.took_seconds)
    return WatcherView(
        host=plain_text(watcher.host),
        pid=_count(watcher.pid),
        is_following=now - looked_at <= max(_FOLLOWING_SECONDS, _FOLLOWING_LOOKS * took),
        looked_at=looked_at,
        took_seconds=took,
        n_runs=_count(watcher.n_runs),
        problem=plain_text(watcher.problem),
    )


def _count(value: int) -> int:
    return min(max(int(value), 0), _MOST)


def _receiver(health: ReceiverHealth) -> ReceiverLine:
    success, failure = health.last_success_at, health.last_failure_at
    return ReceiverLine(
        name=plain_text(health.name),
        kind=plain_text(health.kind),
        sent=_count(health.sent),
        failed=_count(health.failed),
        dropped=_count(health.dropped),
        queued=_count(health.queued),
        last_success_at=None if success is None else finite(success),
        last_failure_at=None if failure is None else finite(failure),
        problem=plain_text(health.problem),
    )
