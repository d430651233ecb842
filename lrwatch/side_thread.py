"""One thread beside the training, for what is to be done now and then and never in its way."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeAlias

from lrwatch.system import in_forked_child

__all__ = ["Chore", "now_and_then"]

logger = logging.getLogger("lrwatch")

Chore: TypeAlias = Callable[[], float | None]
"""Does something; returns in how many seconds to do it again, ``None`` for never."""

_IDLE_SECONDS: Final = 60.0


@dataclass(slots=True)
class _Due:
    chore: Chore
    at: float


class _SideThread:
    """Does chores until there is none left; a later one starts it anew."""

    def __init__(self) -> None:
        self._due: list[_Due] = []
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, chore: Chore, seconds: float) -> None:
        with self._lock:
            self._due.append(_Due(chore, time.monotonic() + seconds))
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._work, name="lrwatch beside", daemon=True
                )
                self._thread.start()
        self._wake.set()

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._due:
                    self._thread = None
                    return
                first = min(self._due, key=lambda due: due.at)
            seconds = first.at - time.monotonic()
            if seconds > 0:
                self._wake.wait(min(seconds, _IDLE_SECONDS))
                self._wake.clear()
                continue
            again = _done(first.chore)
            with self._lock:
                if again is None:
                    self._due.remove(first)
                else:
                    first.at = time.monotonic() + again


def _done(chore: Chore) -> float | None:
    try:
        return chore()
    except Exception:  # one chore that fails must not end the others
        logger.debug("lrwatch gives up a chore beside the training", exc_info=True)
        return None


_side = _SideThread()


def now_and_then(chore: Chore, seconds: float = 0.0) -> None:
    """Have a chore done beside the training, the first time in so many seconds.

    One that raises is not done again.
    """
    _side.add(chore, seconds)


@in_forked_child
def _begin_anew() -> None:
    global _side  # noqa: PLW0603  the thread, and perhaps the lock, are the parent's
    _side = _SideThread()
