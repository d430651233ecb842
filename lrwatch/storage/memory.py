"""Objects in the memory of this process: for tests, and as the plainest storage there is."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator
from itertools import count
from typing import Final

from lrwatch.errors import ObjectChanged, ObjectMissing
from lrwatch.storage.addresses import check_key
from lrwatch.storage.door import NEW, Expected, StoredObject

__all__ = ["MemoryStorage"]

_SPACES: Final[dict[str, MemoryStorage]] = {}
_one_at_a_time: Final = threading.Lock()


class MemoryStorage:
    """Objects in a dictionary; see `Storage` for what it can do.

    Parameters
    ----------
    address
        What it is called.
    """

    def __init__(self, address: str = "memory://") -> None:
        self.address = address
        self._objects: dict[str, tuple[StoredObject, bytes]] = {}
        self._lock = threading.Lock()
        self._versions = count(1)

    @classmethod
    def at(cls, address: str) -> MemoryStorage:
        """Return the one that this process has at an address."""
        with _one_at_a_time:
            return _SPACES.setdefault(address, cls(address))

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[StoredObject]:
        """Yield objects in the order of their keys."""
        with self._lock:
            found = [
                stored
                for key, (stored, _) in self._objects.items()
                if key.startswith(prefix) and key > after
            ]
        return iter(sorted(found, key=lambda stored: stored.key))

    def read(self, key: str, *, start: int = 0, stop: int | None = None) -> bytes:
        """Return bytes of an object."""
        try:
            _, content = self._objects[check_key(key)]
        except KeyError:
            raise ObjectMissing(f"{self.address}: there is no {key}") from None
        return content[start:stop]

    def write(self, key: str, content: bytes, *, expected: Expected = None) -> StoredObject:
        """Write an object."""
        check_key(key)
        with self._lock:
            there, _ = self._objects.get(key, (None, b""))
            if expected is not None and (there is not None) != (expected != NEW):
                raise ObjectChanged(f"{self.address}: {key} {'is' if there else 'is not'} there")
            if isinstance(expected, StoredObject) and there and there.version != expected.version:
                raise ObjectChanged(f"{self.address}: {key} was written by somebody else")
            stored = StoredObject(key, len(content), time.time(), str(next(self._versions)))
            self._objects[key] = stored, bytes(content)
        return stored

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects."""
        with self._lock:
            for key in keys:
                self._objects.pop(key, None)
