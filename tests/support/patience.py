"""An end to what would never end: no measure of speed, of which a loaded machine has little."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

__all__ = ["CAN_WAKE", "ending_within", "eventually"]

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


def eventually(is_so: Callable[[], object], seconds: float = 120.0) -> None:
    """Return when something has come to be, which other threads or processes work on.

    Raises
    ------
    TimeoutError
        If it does not; what it raises until then counts as not yet.
    """
    deadline = time.monotonic() + seconds
    last: Exception | None = None
    while time.monotonic() < deadline:
        try:
            if is_so():
                return
        except Exception as error:  # noqa: BLE001
            last = error
        time.sleep(0.01)
    raise TimeoutError(f"not so after {seconds} s") from last
