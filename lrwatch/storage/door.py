"""The one door to a store that is not a folder of this machine: what a storage can do.

A storage holds whole objects under keys, as S3 and its kind do. Nothing is appended and nothing
is renamed; what two writers must not both do is a write on a condition.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, Literal, Protocol, TypeAlias

__all__ = ["NEW", "Expected", "Storage", "StoredObject", "object_at"]

NEW: Final = "new"
"""Write only if there is no object under the key yet."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as a listing shows it.

    Attributes
    ----------
    key
        Its name below the address of the storage, with ``/`` between parts.
    size
        Bytes.
    modified
        When it was written, seconds since the Unix epoch, by the clock of the storage.
    version
        Tells this content from any other that the key had or will have: an ETag, say.
    """

    key: str
    size: int
    modified: float
    version: str


Expected: TypeAlias = StoredObject | Literal["new"] | None
"""What must be there for a write to happen: this version, nothing (`NEW`), or anything (None)."""


class Storage(Protocol):
    """Objects below one address. All methods may be called from any thread.

    Each raises `StorageUnavailable` or `AccessDenied` where that is the reason; a caller that
    can wait tries the first again.
    """

    @property
    def address(self) -> str:
        """Address that people know it by, without secrets, such as ``s3://bucket/runs``."""
        ...

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[StoredObject]:
        """Yield the objects whose keys begin with `prefix` and come after `after`, in order."""
        ...

    def read(self, key: str, *, start: int = 0, stop: int | None = None) -> bytes:
        """Return the bytes of an object from `start` up to, not including, `stop`.

        Raises
        ------
        ObjectMissing
            If there is no such object.
        """
        ...

    def write(self, key: str, content: bytes, *, expected: Expected = None) -> StoredObject:
        """Write a whole object, so that readers see all of it or what was there before.

        Raises
        ------
        ObjectChanged
            If something else is there than was expected.
        """
        ...

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects; those that are not there are passed over."""
        ...


def object_at(storage: Storage, key: str) -> StoredObject | None:
    """Return the object under a key, as a listing shows it; ``None`` if there is none."""
    return next((item for item in storage.list(key) if item.key == key), None)
