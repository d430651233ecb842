"""Call functions with alerts, on a thread that nobody else waits for."""

from __future__ import annotations

import contextlib
import logging
import threading
from collections.abc import Callable, Sequence
from queue import SimpleQueue
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from lrwatch.alert import Alert

__all__ = ["Function", "HandlerCalls", "log_failure"]

logger = logging.getLogger("lrwatch")

Function: TypeAlias = "Callable[[Alert], object]"


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
