"""Alerts of the runs that this process writes: one thread that reads them as anybody would.

::

    training thread      this thread                      a thread a run, if there are handlers
    a row a step    -->  about twice a second: rows,  --> handlers that are functions
                         alerts, a line to the log    --> before the next step: those that act
                                                          on the training

It starts with the first run and ends with the last. What it judges with is imported on it.
"""

from __future__ import annotations

import contextlib
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Final, TypeAlias

from lrwatch.alerts.wording import headline, sentences
from lrwatch.errors import LrwatchError
from lrwatch.system import in_forked_child

if TYPE_CHECKING:
    from lrwatch.alert import Alert
    from lrwatch.alerts.memory import AlertMemory
    from lrwatch.alerts.rules import Rule
    from lrwatch.alerts.watcher_state import ToldStatus
    from lrwatch.following import FollowedRun

__all__ = [
    "Ask",
    "Function",
    "HandlerCalls",
    "RunInTraining",
    "come_to_rest",
    "follow",
    "log_failure",
]

logger = logging.getLogger("lrwatch")

_ROWS: Final = 2_000
"""Rows that are judged in one look: a few milliseconds in which a training may have to wait."""

_LOOK_SECONDS: Final = (0.5, 0.9)  # least and longest pause between two looks
_REST: Final = 300.0
"""Pause that is aimed at, in times of what the last look took: the training may have had to wait
for as long, as two threads of Python take turns."""
_CATCH_UP_REST: Final = 20.0
"""The same while there are rows to judge that were written before: all of a run that is resumed."""

_LAST_LOOK_SECONDS: Final = 30.0
"""How long to wait at most for a look under way, once nobody waits for what it finds: where a
program ends while a thread of it imports or writes, Python may abort it."""

Function: TypeAlias = Callable[["Alert"], object]

Ask: TypeAlias = Callable[["Alert", float], None]
"""Has the training act on an alert before its next step; the number is the highest rate so far."""


class HandlerCalls:
    """Calls functions one after the other, each alert in its turn, until `end`.

    A function that is slow holds up those after it, and nothing else. What one raises is
    logged the first time.

    Parameters
    ----------
    functions
        What to call with each alert.
    """

    def __init__(self, functions: Sequence[Function]) -> None:
        self._functions = tuple(functions)
        self._failed: set[int] = set()  # places of functions whose error was logged
        self._queue: SimpleQueue[Alert | Callable[[], object]] = SimpleQueue()
        threading.Thread(target=self._work, name="lrwatch on_alert", daemon=True).start()

    def put(self, alert: Alert) -> None:
        """Have the functions called with an alert, soon."""
        self._queue.put(alert)

    def end(self, then: Callable[[], object]) -> None:
        """End the thread when all calls were made, and call `then` on it."""
        self._queue.put(then)

    def _work(self) -> None:
        while not callable(item := self._queue.get()):
            for place, function in enumerate(self._functions):
                self._call(place, function, item)
        item()

    def _call(self, place: int, function: Function, alert: Alert) -> None:
        try:
            function(alert)
        except BaseException as error:  # noqa: BLE001  the user's code, which may call sys.exit
            if place not in self._failed:
                self._failed.add(place)
                with contextlib.suppress(Exception):  # the user's logging
                    log_failure(function, alert, error)


def log_failure(handler: object, alert: Alert, error: BaseException) -> None:
    """Log what a handler raised."""
    logger.error(
        "on_alert=%s failed for the alert %s of %s; training goes on",
        getattr(handler, "__qualname__", type(handler).__qualname__), alert.rule, alert.run,
        exc_info=error,
    )  # fmt: skip


class RunInTraining:
    """A run that is being written, and those who want to know of its alerts.

    Parameters
    ----------
    folder
        Folder of the run.
    rules
        Which verdicts become alerts.
    first_row
        Row at which this process began to write.
    functions
        Called with each alert that fires, on a thread of their own.
    ask
        Called with each alert that fires, on the thread that judges: it must not take long.
    """

    def __init__(
        self,
        folder: Path,
        *,
        rules: Sequence[Rule],
        first_row: int = 0,
        functions: Sequence[Function] = (),
        ask: Ask | None = None,
    ) -> None:
        self._folder = folder
        self._rules = rules
        self._first_row = first_row
        self._ask = ask
        self._calls = HandlerCalls(functions) if functions else None
        self._run: FollowedRun[Alert] | None = None
        self._memory: AlertMemory | None = None
        self._has_given_up = self._is_finished = False
        self._process = os.getpid()
        self.is_over = False
        self.all_told = threading.Event()

    @property
    def is_behind(self) -> bool:
        """Whether another look is needed now."""
        return self._run is not None and self._run.is_behind and not self._has_given_up

    def end(self, status: str, patience: float) -> None:
        """Record that the run is over; wait so many seconds for its last alerts.

        Of a run that somebody interrupted there are none: who has pressed Ctrl-C knows of it.
        """
        if os.getpid() != self._process:
            return  # a fork of the process that follows the run
        self._has_given_up |= status == "interrupted"
        self.is_over = True
        _thread.notify(self)
        # The garbage collector may end a run on any thread, this one included.
        if patience <= 0 or _thread.is_current() or self.all_told.wait(patience):
            return
        self._has_given_up = True
        _thread.let_finish(_LAST_LOOK_SECONDS)

    def look(self) -> None:
        """Judge the next rows, and report what is due; never raises."""
        if self._has_given_up:
            return
        try:
            self._judge()
        except Exception:
            self._has_given_up = True
            # A logging handler of the script may be what fails: other runs are still followed.
            with contextlib.suppress(Exception):
                logger.exception("lrwatch no longer checks %s; recording continues", self._folder)

    def finish(self) -> None:
        """Look at what is left, and let everybody know; once."""
        if self._is_finished:
            return  # it was over before the thread knew of its beginning
        self._is_finished = True
        self._catch_up()
        self.look()
        self._catch_up()
        if self._calls is None:
            self.all_told.set()
        else:
            self._calls.end(self.all_told.set)

    def _catch_up(self) -> None:
        while self.is_behind:
            self.look()

    def _judge(self) -> None:
        try:
            run, memory = self._follow()
        except (OSError, LrwatchError) as error:  # a disk that is full, a folder that is gone
            logger.debug("no alerts of %s for now: %s", self._folder, error)
            return
        n_old = self._first_row - run.summary.n_rows
        news = run.advance(max_rows=min(n_old, _ROWS) if n_old > 0 else _ROWS)
        for changed in news:
            due = list(memory.follow(changed))
            if n_old > 0:
                continue  # an earlier process has said so
            if changed.severity == "info" and changed.state == "firing":
                logger.info("%s: %s", headline(changed), sentences(changed))
            for alert, status in due:
                self._tell(alert, status, run.summary.peak_lr or math.nan)
        if run.has_failed:
            self._has_given_up = True  # it was logged; recording continues
        elif run.problem:
            logger.debug("no alerts of %s for now: %s", self._folder, run.problem)

    def _follow(self) -> tuple[FollowedRun[Alert], AlertMemory]:
        if self._run is None or self._memory is None:
            from lrwatch.alerts.memory import AlertMemory
            from lrwatch.alerts.run_alerts import RunAlerts
            from lrwatch.following import followed

            self._memory = AlertMemory()
            self._run = followed(self._folder, lambda info: RunAlerts(info, self._rules))
        return self._run, self._memory

    def _tell(self, alert: Alert, status: ToldStatus, peak_lr: float) -> None:
        if status == "resolved":
            logger.info("%s", headline(alert))
            return
        logger.warning("%s: %s", headline(alert), sentences(alert))
        if self._ask is not None:
            self._ask(alert, peak_lr)
        if self._calls is not None:
            self._calls.put(alert)


def follow(run: RunInTraining) -> None:
    """Look at a run about twice a second until its end."""
    _thread.follow(run)


def come_to_rest() -> None:
    """Have this process look at its runs no more, and wait for the look under way.

    For the end of the program, where Python stops its threads wherever they are: in the middle
    of a library of C++ that takes the process down.
    """
    _thread.come_to_rest(_LAST_LOOK_SECONDS)


class _Thread:
    """The thread of this process that judges its runs."""

    def __init__(self) -> None:
        # It takes messages from the garbage collector too, so without a lock of our own.
        self._inbox: SimpleQueue[RunInTraining] = SimpleQueue()
        self._lock = threading.Lock()
        self._at_work = threading.Lock()
        self._thread: threading.Thread | None = None

    def follow(self, run: RunInTraining) -> None:
        with self._lock:
            self._inbox.put(run)
            if self._thread is None:
                thread = threading.Thread(target=self._work, name="lrwatch alerts", daemon=True)
                try:
                    thread.start()
                    self._thread = thread
                except RuntimeError as error:  # no more threads, or the interpreter is ending
                    logger.debug("no alerts of this process's runs: %s", error)
                    run.all_told.set()

    def notify(self, run: RunInTraining) -> None:
        self._inbox.put(run)

    def let_finish(self, patience: float) -> None:
        """Wait until the thread waits itself, so many seconds at most."""
        if self._at_work.acquire(timeout=patience):
            self._at_work.release()

    def come_to_rest(self, patience: float) -> None:
        """Wait until the thread waits itself, and keep it from ever working again."""
        if not self.is_current():
            self._at_work.acquire(timeout=patience)  # for good

    def is_current(self) -> bool:
        return threading.current_thread() is self._thread

    def _work(self) -> None:
        # Now, and not with the first look: that may be at the end of the program, where code
        # made by `exec`, as dataclasses are, makes Python forget that Ctrl-C ended it.
        with self._at_work, contextlib.suppress(Exception):  # which the first look tells
            import lrwatch.alerts.memory
            import lrwatch.alerts.run_alerts
            import lrwatch.following  # noqa: F401

        runs: list[RunInTraining] = []
        look_at = time.monotonic() + _LOOK_SECONDS[0]
        while True:
            run = self._wait(until=look_at)
            with self._at_work:
                if run is None:
                    look_at = _look(runs)
                elif run.is_over:
                    run.finish()
                    runs = [other for other in runs if other is not run]
                else:
                    runs.append(run)
            with self._lock:
                if not runs and self._inbox.empty():
                    self._thread = None
                    return

    def _wait(self, until: float) -> RunInTraining | None:
        """Wait for a run that begins or ends; ``None`` when it is time to look."""
        try:
            return self._inbox.get(timeout=max(0.0, until - time.monotonic()))
        except Empty:
            return None


def _look(runs: Sequence[RunInTraining]) -> float:
    """Look at each run; return when to do it again."""
    began = time.monotonic()
    for run in runs:
        run.look()
    ended = time.monotonic()
    shortest, longest = _LOOK_SECONDS
    if any(run.is_behind for run in runs):
        return ended + min(_CATCH_UP_REST * (ended - began), longest)
    return ended + min(max(_REST * (ended - began), shortest), longest)


_thread = _Thread()


@in_forked_child
def _forget_after_fork() -> None:
    global _thread  # noqa: PLW0603  a fork has none of its parent's threads
    _thread = _Thread()
