"""A bucket in memory that counts what it is asked for, and can be made to fail."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from lrwatch.errors import ObjectMissing, StorageUnavailable
from lrwatch.storage.door import Expected, StoredObject
from lrwatch.storage.memory import MemoryStorage

__all__ = ["Bucket", "BucketView"]

_PAGE = 1000


class Bucket:
    """Objects below ``s3://bucket``, which every address of it sees.

    Attributes
    ----------
    requests
        How often each kind was asked for: ``list`` counts pages.
    is_down
        Whether it cannot be reached.
    missing
        Keys that are listed and cannot be read.
    """

    def __init__(self) -> None:
        self.objects = MemoryStorage("s3://bucket")
        self.requests: Counter[str] = Counter()
        self.read_keys: list[str] = []
        self.is_down = False
        self.missing: set[str] = set()
        self._lock = threading.Lock()

    def use(self, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
        """Have every address be one of this bucket, and its copy in a folder."""
        from lrwatch.store.mirroring import places

        monkeypatch.setenv("LRWATCH_CACHE_DIR", str(cache))
        monkeypatch.setattr("lrwatch.storage.open_storage", self.view)
        monkeypatch.setattr(places, "_OPEN", {})
        places._space.cache_clear()

    def view(self, address: str) -> BucketView:
        """Return the storage at an address."""
        return BucketView(self, address)

    def upload(self, folder: Path, below: str) -> None:
        """Put the files of a folder there, as a writer or ``aws s3 sync`` would."""
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                self.put(f"{below}/{path.relative_to(folder).as_posix()}", path.read_bytes())

    def put(self, key: str, content: bytes) -> StoredObject:
        """Put one object there."""
        return self.objects.write(key, content)

    def names(self) -> list[str]:
        """Return all keys."""
        return [item.key for item in self.objects.list()]

    def counted(self, kind: str, key: str = "") -> None:
        """Count a request, which fails if the bucket is down."""
        with self._lock:
            self.requests[kind] += 1
            if kind == "read":
                self.read_keys.append(key)
        if self.is_down:
            raise StorageUnavailable("s3://bucket: connection refused")


class BucketView:
    """What an address of a bucket sees; see `lrwatch.storage.Storage`."""

    def __init__(self, bucket: Bucket, address: str) -> None:
        self.address = address
        self._bucket = bucket
        self._below = address.removeprefix("s3://bucket").strip("/")
        self._below += "/" if self._below else ""

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[StoredObject]:
        """Yield objects page by page."""
        first = self._below + after if after else ""
        self._bucket.counted("list")
        for n, item in enumerate(self._bucket.objects.list(self._below + prefix, after=first)):
            if n and n % _PAGE == 0:
                self._bucket.counted("list")
            yield StoredObject(
                item.key.removeprefix(self._below), item.size, item.modified, item.version
            )

    def read(self, key: str, *, start: int = 0, stop: int | None = None) -> bytes:
        """Return bytes of an object."""
        self._bucket.counted("read", self._below + key)
        if self._below + key in self._bucket.missing:
            raise ObjectMissing(f"there is no {key}")
        return self._bucket.objects.read(self._below + key, start=start, stop=stop)

    def write(self, key: str, content: bytes, *, expected: Expected = None) -> StoredObject:
        """Write an object."""
        self._bucket.counted("write")
        stored = self._bucket.objects.write(self._below + key, content, expected=expected)
        return StoredObject(key, stored.size, stored.modified, stored.version)

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects."""
        self._bucket.counted("remove")
        self._bucket.objects.remove([self._below + key for key in keys])
