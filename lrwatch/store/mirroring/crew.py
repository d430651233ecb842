"""Threads that wait for storages, shared by all mirrors of this process."""

from __future__ import annotations

import functools
import threading
from concurrent.futures import ThreadPoolExecutor

from lrwatch.system import in_forked_child

__all__ = ["fetching", "is_ending", "looking", "reading_ahead"]

# Three, as those who wait for others must not take their places.


@functools.cache
def fetching() -> ThreadPoolExecutor:
    """Return who fetches objects."""
    return ThreadPoolExecutor(32, "lrwatch-fetch")


@functools.cache
def looking() -> ThreadPoolExecutor:
    """Return who lists storages."""
    return ThreadPoolExecutor(4, "lrwatch-look")


@functools.cache
def reading_ahead() -> ThreadPoolExecutor:
    """Return who fetches runs that nobody has asked for yet."""
    return ThreadPoolExecutor(8, "lrwatch-ahead")


def is_ending() -> bool:
    """Return whether the process is about to end, and waits for nothing but these threads."""
    return not threading.main_thread().is_alive()


@in_forked_child
def _start_anew() -> None:
    for crew in (fetching, looking, reading_ahead):
        crew.cache_clear()
