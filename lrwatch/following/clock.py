"""The time of day by a clock that does not jump."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["Clock", "steady_clock"]

Clock = Callable[[], float]
"""Returns seconds since the Unix epoch."""


def steady_clock() -> Clock:
    """Return a clock that starts at the time of day and goes on whatever is done to that one.

    Waiting times are measured by it: a clock that is set back repeats nothing, one that is
    set forward loses nothing.
    """
    ahead = time.time() - time.monotonic()
    return lambda: time.monotonic() + ahead
