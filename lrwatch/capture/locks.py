"""Locks that a forked child finds open: the thread that held one is not in the child."""

from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable
from typing import Any

__all__ = ["in_forked_child", "new_lock"]

_locks: weakref.WeakSet[Any] = weakref.WeakSet()


def new_lock() -> threading.RLock:
    """Return a lock that its thread may take again, as the garbage collector may run within."""
    lock = threading.RLock()
    _locks.add(lock)
    return lock


def in_forked_child(callback: Callable[[], object]) -> None:
    """Have `callback` called in every forked child, where there is such a thing."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=callback)


@in_forked_child
def _open() -> None:
    for lock in list(_locks):
        lock._at_fork_reinit()  # noqa: SLF001  as the standard library does with its own
