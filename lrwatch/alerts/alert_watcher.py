"""Checks a store again and again: what is there, what to send, and a record of it.

In this order, so that a kill at any moment loses nothing: a message is put into the outbox,
from which it is sent, and ``state.json`` remembers that its alerts were sent, and the number of
the message. What the outbox holds beyond that number, the next watcher remembers from there.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import socket
import time
from pathlib import Path
from typing import Any, Final

from lrwatch.alerts.composing import message_for
from lrwatch.alerts.config import AlertSettings
from lrwatch.alerts.grouping import Grouping
from lrwatch.alerts.history import Event, add_history
from lrwatch.alerts.memory import KEPT_SECONDS, AlertMemory
from lrwatch.alerts.silences import (
    acknowledgements,
    end_silence,
    expired_silences,
    forget_acknowledgement,
    silences,
)
from lrwatch.alerts.store_watch import StoreView, StoreWatch
from lrwatch.alerts.watcher_state import KnownAlert, WatcherHealth, WatcherState, write_state
from lrwatch.delivery import Message, Sender
from lrwatch.following import Clock, steady_clock
from lrwatch.version import VERSION

__all__ = ["AlertWatcher"]

logger = logging.getLogger("lrwatch.alerts")

_LOOK_SECONDS: Final = 2.0
"""For so long a look judges runs that have ended; the rest is for the next one."""

_IN_HISTORY: Final = ("episode", "rule", "severity", "run", "step", "reason")

_NOTE_SECONDS: Final = 5.0
"""How often the state is written while nothing but numbers changes."""


class AlertWatcher:
    """Watches a store and sends alerts.

    Parameters
    ----------
    store, clock, alone
        As `StoreWatch` has them.
    settings
        Rules and timing.
    home
        Folder in which ``.lrwatch-alerts`` is kept, the store as a rule.
    sender
        Delivers; ``None`` to send and write nothing.
    state
        As the last watcher left it.
    """

    def __init__(  # noqa: PLR0913  its options are keyword-only
        self,
        store: Path,
        settings: AlertSettings,
        *,
        home: Path,
        sender: Sender | None,
        state: WatcherState | None = None,
        clock: Clock | None = None,
        alone: bool = False,
    ) -> None:
        self._clock = steady_clock() if clock is None else clock
        self._settings, self._home, self._sender = settings, home, sender
        now = self._clock()
        known = () if state is None else state.alerts
        self._memory = AlertMemory(known, {} if state is None else state.rules)
        # Without a state, what the outbox holds was forgotten with it.
        self._is_unmarked = state is None
        if state is not None and sender is not None:
            for message in sender.since(state.last_message):
                self._memory.restore(message)
            for message in state.outgoing:  # whose alerts it says were sent
                sender.submit(message)
        told = {} if state is None else state.told_groups
        self._groups = Grouping(settings.timing, settings.group_by, told, now)
        self._watch = StoreWatch(
            store,
            settings.rules,
            max_age=settings.timing.max_age,
            clock=self._clock,
            earlier=[one.alert for one in self._memory.known.values()],
            judged={} if state is None else state.judged,
            alone=alone,
        )
        self._view = StoreView((), {}, frozenset(), {} if state is None else state.judged)
        self._started_at = now
        self._noted_at: float | None = None  # None: what is written down is not true any more
        self._is_full = False
        self._noted_problem = ""
        self._unsaid: set[str] = set()  # groups of notices that could not be put into words
        self.took_seconds = 0.0

    def look(self, problem: str = "", *, at_once: bool = False) -> list[Message]:
        """Check once, send what is due, record it; return what was sent.

        Parameters
        ----------
        problem
            Something else that is wrong, for those who look at the state.
        at_once
            Nothing waits to be grouped: there will be no later check.

        Raises
        ------
        RunNotFound
            If the store is not there.
        """
        began = time.monotonic()
        self._view = self._watch.look(seconds=math.inf if at_once else _LOOK_SECONDS)
        if self._is_unmarked:
            self._write_state(problem)  # before the first message of which it knows nothing
        now = self._clock()
        view = self._view
        changes = self._memory.take(view.alerts, view.keys, view.runs, now)
        changes += self._memory.mark_handled(silences(self._home), acknowledgements(self._home))
        self._memory.mark_over_in_silence()
        messages = self._messages(now, at_once=at_once)
        self.took_seconds = time.monotonic() - began
        try:
            for event, one in changes:
                self._remember_change(event, one)
        finally:  # whatever keeps it from being noted, messages are sent
            if self._sender is not None:
                for message in messages:
                    self._sender.submit(message)
        self.note(problem, is_news=bool(changes or messages))
        return messages

    def note(self, problem: str = "", *, is_news: bool = False) -> None:
        """Save how receivers and watcher are doing, without a check; at once if it `is_news`."""
        if self._sender is None:
            return
        for done in self._sender.poll():
            about = {"message": done.message, "receiver": done.receiver, "tries": done.tries}
            self.remember(done.event, **about, problem=done.problem)
            is_news = True
        is_news |= problem != self._noted_problem or self._noted_at is None
        if not is_news and self._clock() - (self._noted_at or 0.0) < _NOTE_SECONDS:
            return
        self._write_state(problem)
        self._tidy()

    def remember(self, event: Event, **about: Any) -> None:
        """Add to the history; that it cannot be written is no reason to stop."""
        if self._sender is None:
            return
        try:
            add_history(self._home, event, **about)
        except OSError as error:
            logger.debug("the history cannot be written: %s", error)

    def seconds_to_wait(self) -> float:
        """Return in how many seconds a message is due that waits; infinity if there is none."""
        return max(self._groups.next_due() - self._clock(), 0.0)

    def state(self, problem: str = "") -> WatcherState:
        """Return everything that another watcher needs to go on from here."""
        sender = self._sender
        return WatcherState(
            updated_at=time.time(),
            watcher=WatcherHealth(
                host=socket.gethostname(),
                pid=os.getpid(),
                version=VERSION,
                started_at=self._started_at,
                looked_at=self._clock(),
                took_seconds=self.took_seconds,
                n_runs=len(self._view.runs),
                problem=problem or ("" if sender is None else sender.problem),
            ),
            alerts=tuple(self._memory.known.values()),
            receivers=() if sender is None else tuple(sender.health()),
            rules=self._memory.tallies,
            told_groups=self._groups.told,
            judged=self._view.judged,
            last_message=0 if sender is None else sender.last_number,
        )

    def _messages(self, now: float, *, at_once: bool) -> list[Message]:
        fresh = [one for one in self._memory.known.values() if one.run_key in self._view.runs]
        address, runs = self._settings.dashboard, self._view.runs
        messages: list[Message] = []
        for notice in self._groups.due(fresh, now, at_once=at_once):
            try:
                message = message_for(notice, fresh, runs, dashboard=address, now=now)
            except Exception:
                # It is tried again; whatever is odd about it, the others are sent.
                if notice.group not in self._unsaid:
                    logger.exception("a message cannot be written: %s", notice.group)
                self._unsaid.add(notice.group)
            else:
                self._unsaid.discard(notice.group)
                messages.append(message)
                self._memory.mark_told((one.alert for one in notice.alerts), notice.status, now)
        return messages

    def _write_state(self, problem: str) -> None:
        if self._sender is None:
            return
        try:
            write_state(self._home, self.state(problem))
        except OSError as error:
            # It is tried again at every look; messages are sent all the same.
            if not self._is_full:
                logger.warning("the state cannot be saved: %s", error.strerror)
            self._is_full, self._noted_at = True, None
        else:
            self._is_full = self._is_unmarked = False
            self._noted_at, self._noted_problem = self._clock(), problem

    def _remember_change(self, event: Event, one: KnownAlert) -> None:
        about = {name: getattr(one.alert, name) for name in _IN_HISTORY}
        by = one.acknowledged_by if event == "acknowledged" else None
        silence = one.silenced_by if event == "silenced" else None
        self.remember(
            event, alert=one.alert.id, run_key=one.run_key, **about, by=by, silence=silence
        )

    def _tidy(self) -> None:
        """Remove silences and acknowledgements that no longer mean anything."""
        for silence in expired_silences(self._home):
            with contextlib.suppress(OSError):  # somebody else's file, say
                end_silence(self._home, silence.id)
                self.remember("silence_ended", silence=silence.id, reason=silence.reason)
        for said in acknowledgements(self._home).values():
            if said.alert not in self._memory.known and time.time() - said.at > KEPT_SECONDS:
                with contextlib.suppress(OSError):
                    forget_acknowledgement(self._home, said)
