"""An end to what would never end: no measure of speed, of which a loaded machine has little."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["CAN_WAKE", "ending_within"]

CAN_WAKE = hasattr(signal, "SIGALRM")
"""Whether a process can be woken from whatever it waits for; not on Windows."""


@contextmanager
def ending_within(seconds: int) -> Iterator[None]:
    """Raise TimeoutError where the body takes longer, in a system call as well."""

    def wake(*_: object) -> None:
        raise TimeoutError(f"not done after {seconds} s")

    before = signal.signal(signal.SIGALRM, wake)
    signal.alarm(seconds)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
