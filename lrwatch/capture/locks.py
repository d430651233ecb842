"""Locks that a forked child finds open: the thread that held one is not in the child."""

from __future__ import annotations

import threading
import weakref
from typing import Any

from lrwatch.system import in_forked_child

__all__ = ["in_forked_child", "new_lock"]

_locks: weakref.WeakSet[Any] = weakref.WeakSet()


def new_lock() -> threading.RLock:
    """Return a lock that its thread may take again, as the garbage collector may run within."""
    lock = threading.RLock()
    _locks.add(lock)
    return lock


@in_forked_child
def _open() -> None:
    for lock in list(_locks):
        lock._at_fork_reinit()  # noqa: SLF001  as the standard library does with its own
