"""Storages that do not do what they are asked to: now and then, slowly, or not for a while."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from lrwatch.errors import StorageUnavailable
from lrwatch.storage import Expected, Storage, StoredObject

__all__ = ["FailingStorage"]

T = TypeVar("T")


class FailingStorage:
    """Another storage, whose calls fail when they are told to.

    Parameters
    ----------
    storage
        What does the work.
    is_done
        Whether a call that fails has done its work before: its answer was lost.

    Attributes
    ----------
    error
        What every call raises; ``None`` while all is well.
    hold
        Calls wait until it is set.
    calls
        How many there were, by name.
    """

    def __init__(self, storage: Storage, *, is_done: bool = False) -> None:
        self._storage = storage
        self._is_done = is_done
        self._left = 0
        self.error: Exception | None = None
        self.hold = threading.Event()
        self.hold.set()
        self.calls: Counter[str] = Counter()
        self.address = storage.address

    def fail_in(self, n: int) -> None:
        """Have the nth call from now on fail; none if it is 0."""
        self._left = n

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[StoredObject]:
        return iter(self._do("list", lambda: [*self._storage.list(prefix, after=after)]))

    def read(self, key: str, *, start: int = 0, stop: int | None = None) -> bytes:
        return self._do("read", lambda: self._storage.read(key, start=start, stop=stop))

    def write(self, key: str, content: bytes, *, expected: Expected = None) -> StoredObject:
        return self._do("write", lambda: self._storage.write(key, content, expected=expected))

    def remove(self, keys: Iterable[str]) -> None:
        self._do("remove", lambda: self._storage.remove(keys))

    def _do(self, name: str, work: Callable[[], T]) -> T:
        self.calls[name] += 1
        self.hold.wait()
        if self.error is not None:
            raise self.error
        self._left -= 1
        if self._left != 0:
            return work()
        if self._is_done:
            work()
        raise StorageUnavailable("the answer is lost")
