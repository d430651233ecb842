"""The alerts of a store: what its watcher wrote down, what people said to it, what is unsent.

Nothing is written but silences and acknowledgements, through `lrwatch.alerts.silences`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from lrwatch.activity import current_actor
from lrwatch.alerts import RULES, Alert
from lrwatch.alerts.history import read_history
from lrwatch.alerts.silences import (
    Matcher,
    acknowledge,
    acknowledgements,
    add_silence,
    end_silence,
    silences,
)
from lrwatch.alerts.telling import inhibited
from lrwatch.alerts.watcher_state import KnownAlert, read_state
from lrwatch.errors import LrwatchError
from lrwatch_dashboard.alert_views import LONGEST_TEXT, AlertBoard, AlertLine
from lrwatch_dashboard.data.alert_lines import (
    N_ENDED,
    Said,
    alert_lines,
    history_line,
    with_ledger,
    worst_first,
)
from lrwatch_dashboard.data.label_desk import READ_ONLY, problem_of
from lrwatch_dashboard.views import RunSource, RunView

__all__ = ["AlertDesk"]

_BOARD_SECONDS: Final = 1.0  # for which a board serves everybody who asks
_MOST_SILENCES: Final = 200
_LONGEST_PATTERN: Final = 1000
_N_HISTORY: Final = 60
_N_ACTIVITY: Final = 10


class AlertDesk:
    """Answers the Alerts page of a store; a `lrwatch_dashboard.alert_views.AlertSource`."""

    def __init__(
        self,
        root: Path,
        source: RunSource,
        *,
        is_read_only: bool = False,
    ) -> None:
        self._is_read_only = is_read_only
        self._root = root
        self._source = source
        self._lock = threading.Lock()
        self._board = AlertBoard()
        self._board_until = 0.0
        self._keys: frozenset[str] = frozenset()
        self._candidates: tuple[RunView, ...] = ()
        self._seen = ""

    @property
    def is_read_only(self) -> bool:
        """Whether who asks now may write nothing."""
        return self._is_read_only or current_actor().role == "reader"

    def board(self) -> AlertBoard:
        """Return everything about alerts."""
        with self._lock:
            if time.monotonic() >= self._board_until:
                self._look()
                self._board = self._read()
                self._board_until = time.monotonic() + _BOARD_SECONDS
            return self._board

    def acknowledge(self, alert: str, episode: int, by: str = "") -> str:
        """Take an alert on; return why that cannot be done, and nothing if it was."""
        if len(by) > LONGEST_TEXT:
            return f"A name can have at most {LONGEST_TEXT} characters"
        board = self.board()
        # Of others nothing is written, so that nobody can fill the disk.
        lines = (*board.firing, *board.unsent)
        known = {(line.alert.id, line.alert.episode) for line in lines}
        if (alert, episode) not in known:
            return "That alert is no longer firing"
        run = next((line.run_key for line in lines if line.alert.id == alert), "")
        by = current_actor().signed_in or by.strip() or "somebody"
        return self._say(acknowledge, alert=alert, episode=episode, by=by, run=run)

    def silence(
        self, matcher: Matcher, *, seconds: float, reason: str, by: str = "", until_worse: bool
    ) -> str:
        """Silence alerts; return why that cannot be done, and nothing if it was."""
        if not matcher.run:
            return "Enter a pattern of runs; * matches all of them"
        if len(matcher.run) > _LONGEST_PATTERN:
            return f"The pattern of runs can have at most {_LONGEST_PATTERN} characters"
        if max(map(len, (matcher.rule, reason, by))) > LONGEST_TEXT:
            return f"Rule, reason and name can have at most {LONGEST_TEXT} characters each"
        if len(self.board().silences) >= _MOST_SILENCES:
            return f"There are already {_MOST_SILENCES} silences; end some, or use one pattern"
        who = current_actor().signed_in or by
        how = {"seconds": seconds, "reason": reason, "by": who, "until_worse": until_worse}
        return self._say(add_silence, matcher=matcher, **how)

    def end_silence(self, silence: str) -> str:
        """End a silence before its time; return why that cannot be done, or nothing."""
        if silence not in {known.id for known in self.board().silences}:
            return "That silence has already ended"
        return self._say(end_silence, silence_id=silence)

    def _say(self, write: Callable[..., Any], **what: Any) -> str:
        if self._is_read_only:
            return READ_ONLY
        with self._lock:
            self._board_until = 0.0
            return problem_of(lambda: write(self._root, **what))

    def _look(self) -> None:
        """Take in which runs there are, and which of them may be worth an alert."""
        table = self._source.overview(self._seen)
        if table.token == self._seen:
            return
        rows = table.rows if table.whole else self._source.overview().rows
        self._candidates = tuple(row for row in rows if row.alerts or row.ended_alerts)
        self._keys = frozenset(row.key for row in rows)
        self._seen = table.token

    def _read(self) -> AlertBoard:
        said = silences(self._root), acknowledgements(self._root)
        board = AlertBoard(
            folder=str(self._root),
            silences=tuple(said[0]),
            rules=tuple(rule.name for rule in RULES),
            activity=tuple(self._source.activity()[:_N_ACTIVITY]),
        )
        board = self._with_history(self._with_ledger(board, said))
        if not board.is_followed:
            alerts = [(alert, view.key) for view in self._candidates for alert in view.alerts]
            board = _with_ended(_with_unsent(board, alerts, said), self._candidates, said)
        return dataclasses.replace(board, token=_token(board))

    def _with_ledger(self, board: AlertBoard, said: Said) -> AlertBoard:
        try:
            # Strictly: whoever may write into the store may write anything into this file, and a
            # page would take some JSON objects for elements.
            state = read_state(self._root)
        except LrwatchError as error:
            return dataclasses.replace(board, problem=str(error))
        if state is None:
            return board
        return with_ledger(board, state, said, self._keys, time.time())

    def _with_history(self, board: AlertBoard) -> AlertBoard:
        try:
            records = read_history(self._root, last=_N_HISTORY)
        except OSError as error:
            problem = f"the history of the alerts cannot be read: {error.strerror or error}"
            return dataclasses.replace(board, problem=board.problem or problem)
        lines = [line for r in reversed(records) if (line := history_line(r)) is not None]
        return dataclasses.replace(board, history=tuple(lines))


def _with_unsent(
    board: AlertBoard, alerts: Collection[tuple[Alert, str]], said: Said
) -> AlertBoard:
    told = {(line.alert.rule, line.run_key): line for line in board.firing}
    hidden = inhibited(alert for alert, _ in alerts)
    lines = [
        told.get((line.alert.rule, line.run_key), line) for line in _seen(alerts, said, hidden)
    ]
    return dataclasses.replace(
        board,
        firing=tuple(line for line in board.firing if line not in lines),
        unsent=tuple(sorted(lines, key=worst_first)),
        by_state=Counter((i.alert.rule, i.alert.severity, "firing") for i in lines),
    )


def _with_ended(board: AlertBoard, views: Collection[RunView], said: Said) -> AlertBoard:
    """Add what fired when runs ended that no watcher saw; siblings may have cleared a run since."""
    known = {line.alert.id for line in board.ended}
    alerts = [
        (alert, view.key)
        for view in views
        for alert in view.ended_alerts
        if alert.id not in known
        and view.diagnosis is not None
        and view.diagnosis.learning_rate == alert.learning_rate
    ]
    ended = sorted([*board.ended, *_seen(alerts, said, {})], key=lambda line: -line.alert.time)
    return dataclasses.replace(board, ended=tuple(ended[:N_ENDED]))


def _seen(
    alerts: Collection[tuple[Alert, str]], said: Said, hidden: Mapping[str, str]
) -> Iterator[AlertLine]:
    """Return the lines of what the dashboard itself sees; copies of a run have one each."""
    for alert, key in alerts:
        yield from alert_lines(
            [KnownAlert(alert, key, "running", inhibited_by=hidden.get(alert.id))], said
        )


def _token(board: AlertBoard) -> str:
    """Return what changes with whatever the page shows, the time of the last look apart."""
    times: dict[str, Any] = dict.fromkeys(("started_at", "looked_at", "took_seconds"), 0.0)
    watcher = board.watcher and dataclasses.replace(board.watcher, **times)
    text = repr(dataclasses.replace(board, watcher=watcher))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
