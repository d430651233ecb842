"""Steps on their way from whoever measures them to the run, each after the one before it.

What a script logs finds its step here: the last one, wherever its numbers are, or the coming one.
A signal handler of the script may come amid a write, on the thread that makes it: what it logs,
and the end that it asks for, wait until that row is written.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from lrwatch.capture.values import StepValues
from lrwatch.system import new_lock

if TYPE_CHECKING:  # for loops without torch, too
    from lrwatch.capture.deferred import Number
    from lrwatch.capture.device_queue import DeviceQueue

__all__ = ["StepsInOrder"]


class StepsInOrder:
    """Hands steps on, in order; one with numbers on a device once they have come to the host.

    Parameters
    ----------
    hand_on
        Called with each step, on the thread that puts one.

    Attributes
    ----------
    lock
        Held while a step is handed on, and to be held by who changes what was handed on.
    coming
        What was logged for the coming step.
    n_made
        How many steps there were.
    """

    def __init__(self, hand_on: Callable[[StepValues], None]) -> None:
        self.lock = new_lock()
        self.coming: dict[str, Number] = {}
        self.n_made = 0
        self._hand_on = hand_on
        self._queue: DeviceQueue | None = None  # from the first number on a device on
        self._last: StepValues | None = None  # the step made last
        self._waiting: deque[Callable[[], None]] = deque()  # what a signal handler has asked for

    def put(self, values: StepValues, *, is_on_host: bool) -> None:
        """Take a step that has just ended; the lock is held."""
        if self.coming:
            coming, self.coming = self.coming, {}
            values.logged |= coming
        values.time = time.time_ns() // 1000
        self._last = values
        self.n_made += 1
        if is_on_host and self._queue is None:
            self._hand_on(values)
            return
        if self._queue is None:
            from lrwatch.capture.device_queue import DeviceQueue

            self._queue = DeviceQueue(self._hand_on)
        self._queue.push(values)

    def log(self, numbers: Mapping[str, Number], *, is_for_coming: bool) -> bool:
        """Attach numbers to the last step, or to the coming one.

        Returns whether it was done; if not, the last step has been handed on.
        """
        with self.lock:
            if self._last is None or is_for_coming:
                self.coming.update(numbers)
            elif self._queue is not None and self._last in self._queue:
                self._last.logged.update(numbers)
            else:
                return False
        return True

    def when_free(self, call: Callable[[], None]) -> None:
        """Have something done once the write is over that this thread is amid."""
        self._waiting.append(call)

    def go_on(self) -> None:
        """Do what has waited; the lock is not held."""
        while self._waiting:
            try:
                call = self._waiting.popleft()
            except IndexError:  # another thread does it
                return
            call()

    def drain(self) -> None:
        """Hand on all steps, waiting for the device."""
        with self.lock:
            if self._queue is not None:
                self._queue.drain()
