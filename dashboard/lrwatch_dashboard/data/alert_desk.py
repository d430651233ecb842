"""The alerts of a store: what its watcher wrote down, what people said to it, what goes unsent.

Nothing is written but silences and acknowledgements, through `lrwatch.alerts.silences`.
"""

from __future__ import annotations

import dataclasses
import hashlib
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final

from lrwatch.alerts import RULES, Alert
from lrwatch.alerts.history import read_history
from lrwatch.alerts.inhibition import inhibited
from lrwatch.alerts.silences import (
    Matcher,
    Silence,
    acknowledge,
    acknowledgements,
    add_silence,
    end_silence,
    silences,
)
from lrwatch.alerts.watcher_state import read_state
from lrwatch.errors import LrwatchError
from lrwatch_dashboard.alert_views import LONGEST_TEXT, AlertBoard, SilenceLine, SilenceWish
from lrwatch_dashboard.data.alert_lines import (
    Said,
    history_line,
    unsent_line,
    worst_first,
)
from lrwatch_dashboard.data.ledger_lines import with_ledger
from lrwatch_dashboard.data.unsent import is_candidate, unsent
from lrwatch_dashboard.views import RunSource, RunView

__all__ = ["AlertDesk"]

_BOARD_SECONDS: Final = 1.0  # for which a board serves everybody who asks
_MOST_SILENCES: Final = 200
_LONGEST_PATTERN: Final = 1000
_N_HISTORY: Final = 60


class AlertDesk:
    """Answers the Alerts page; a `lrwatch_dashboard.alert_views.AlertSource`.

    Parameters
    ----------
    root
        The store.
    source
        What is known of its runs.
    clock
        Returns seconds since the Unix epoch.
    """

    def __init__(
        self, root: Path, source: RunSource, clock: Callable[[], float] = time.time
    ) -> None:
        self._root = root
        self._source = source
        self._clock = clock
        self._lock = threading.Lock()
        self._board = AlertBoard()
        self._board_until = 0.0
        self._keys: frozenset[str] = frozenset()
        self._candidates: tuple[RunView, ...] = ()
        self._seen = ""

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
            return f"A name has at most {LONGEST_TEXT} signs"
        board = self.board()
        # Of others nothing is written, so that nobody can fill the disk.
        if (alert, episode) not in {(i.id, i.episode) for i in (*board.firing, *board.unsent)}:
            return "That alert does not fire any more"
        return self._say(acknowledge, alert=alert, episode=episode, by=by.strip() or "somebody")

    def silence(self, wish: SilenceWish) -> str:
        """Silence alerts; return why that cannot be done, and nothing if it was."""
        if not wish.run.strip():
            return "Say which runs are meant; * stands for all of them"
        if len(wish.run) > _LONGEST_PATTERN:
            return f"The pattern of runs has at most {_LONGEST_PATTERN} signs"
        if max(map(len, (wish.rule, wish.reason, wish.by))) > LONGEST_TEXT:
            return f"Rule, reason and name have at most {LONGEST_TEXT} signs each"
        if len(self.board().silences) >= _MOST_SILENCES:
            return f"There are {_MOST_SILENCES} silences already; end some, or silence a pattern"
        return self._say(
            add_silence,
            matcher=Matcher(run=wish.run.strip(), rule=wish.rule or "*"),
            seconds=wish.seconds,
            reason=wish.reason,
            by=wish.by.strip(),
            until_worse=wish.until_worse,
        )

    def end_silence(self, silence: str) -> str:
        """End a silence before its time; return why that cannot be done, or nothing."""
        if silence not in {known.id for known in self.board().silences}:
            return "That silence has ended already"
        return self._say(end_silence, silence_id=silence)

    def _say(self, write: Callable[..., Any], **what: Any) -> str:
        with self._lock:
            self._board_until = 0.0
            try:
                write(self._root, **what)
            except OSError as error:
                return f"The store cannot be written to from here ({error.strerror or error})"
            except LrwatchError as error:
                text = str(error)
                return text[:1].upper() + text[1:]
        return ""

    def _look(self) -> None:
        """Take in which runs there are, and which of them may be worth an alert."""
        table = self._source.overview(self._seen)
        if table.token == self._seen:
            return
        rows = table.rows if table.whole else self._source.overview().rows
        self._candidates = self._source.runs([row.key for row in rows if is_candidate(row)])
        self._keys = frozenset(row.key for row in rows)
        self._seen = table.token

    def _read(self) -> AlertBoard:
        said = Said(silences(self._root), acknowledgements(self._root))
        board = AlertBoard(
            folder=str(self._root),
            silences=tuple(map(_silence, said.silences)),
            rules=tuple(rule.name for rule in RULES),
        )
        board = self._with_history(self._with_ledger(board, said))
        if not board.is_followed:
            alerts = list(unsent(self._candidates, self._clock()))
            board = _with_unsent(board, alerts, said)
        return dataclasses.replace(board, token=_token(board))

    def _with_ledger(self, board: AlertBoard, said: Said) -> AlertBoard:
        try:
            state = read_state(self._root)
            if state is None:
                return board
            return with_ledger(board, state, said, self._keys, self._clock())
        except LrwatchError as error:
            problem = str(error)
        except (TypeError, ValueError, KeyError, OverflowError) as error:
            problem = f"the state of the alerts holds what no watcher writes: {error}"
        return dataclasses.replace(board, problem=problem)

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
    told = {(line.rule, line.run_key): line for line in board.firing}
    hidden = inhibited(alert for alert, _ in alerts)
    lines = [
        told.get((alert.rule, key)) or unsent_line(alert, key, said, hidden)
        for alert, key in alerts
    ]
    return dataclasses.replace(
        board,
        firing=tuple(line for line in board.firing if line not in lines),
        unsent=tuple(sorted(lines, key=worst_first)),
        by_state=Counter((line.rule, line.severity, "firing") for line in lines),
    )


def _silence(silence: Silence) -> SilenceLine:
    return SilenceLine(
        id=silence.id,
        run=silence.matcher.run,
        group=silence.matcher.group,
        rule=silence.matcher.rule,
        ends_at=silence.ends_at,
        reason=silence.reason,
        by=silence.by,
        until_worse=silence.until_worse,
    )


def _token(board: AlertBoard) -> str:
    """Return what changes with whatever the page shows, the time of the last look apart."""
    watcher = board.watcher and dataclasses.replace(board.watcher, looked_at=0.0, took_seconds=0.0)
    text = repr(dataclasses.replace(board, watcher=watcher))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
