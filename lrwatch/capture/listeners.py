"""Who listens to a function of torch; the function is replaced only while somebody does."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

__all__ = ["Listeners"]

T = TypeVar("T")


class Listeners(Generic[T]):
    """Listeners that are not kept alive.

    Parameters
    ----------
    install
        Called when the first one joins.
    restore
        Called when the last one has left or was collected.
    """

    def __init__(self, install: Callable[[], None], restore: Callable[[], None]) -> None:
        self._live: weakref.WeakSet[T] = weakref.WeakSet()
        self._install = install
        self._restore = restore

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._live))

    def add(self, listener: T) -> None:
        """Have `listener` join."""
        if not any(self):
            self._install()
        self._live.add(listener)
        weakref.finalize(listener, self._restore_if_unused).atexit = False

    def discard(self, listener: T) -> None:
        """Have `listener` leave; one that is not there may leave too."""
        self._live.discard(listener)
        self._restore_if_unused()

    def _restore_if_unused(self) -> None:
        if not any(self):
            self._restore()
