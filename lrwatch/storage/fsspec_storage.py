"""Objects wherever fsspec has a file system, as ``hf://``.

fsspec knows no condition on a write. One is checked before the write here, and again among the
threads of this process, so two processes that write one object in the same instant may both
succeed. Where obstore has the provider, `ObjectStorage` is right.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from lrwatch.errors import (
    AccessDenied,
    InvalidArgument,
    LrwatchError,
    MissingExtra,
    ObjectChanged,
    ObjectMissing,
    StorageUnavailable,
)
from lrwatch.storage.addresses import check_key, scheme
from lrwatch.storage.door import NEW, Expected, StoredObject

__all__ = ["FsspecStorage"]

_VERSIONS = ("ETag", "etag", "xet_hash", "blob_id", "md5Hash", "content_md5")
_TIMES = ("LastModified", "last_modified", "mtime", "created", "updated")


class FsspecStorage:
    """Files of a file system of fsspec; see `Storage` for what it can do.

    Parameters
    ----------
    address
        As ``hf://datasets/me/runs``.

    Raises
    ------
    MissingExtra
        If fsspec, or what it needs for this scheme, is not installed.
    InvalidArgument
        If fsspec does not know the scheme.
    """

    def __init__(self, address: str) -> None:
        self.address = address
        self._lock = threading.Lock()
        try:
            import fsspec

            self._files: Any
            self._files, root = fsspec.core.url_to_fs(address, use_listings_cache=False)
        except ImportError as error:
            raise MissingExtra(
                f"{address} needs fsspec and its package for {scheme(address)}: {error}"
            ) from error
        except ValueError as error:
            raise InvalidArgument(f"{address}: {error}") from error
        self._root = str(root).rstrip("/")

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[StoredObject]:
        """Yield objects in the order of their keys."""
        folder = prefix.rpartition("/")[0]
        with self._raising(prefix):
            self._files.invalidate_cache()
            try:
                found = self._files.find(self._path(folder), detail=True)
            except FileNotFoundError:
                found = {}
        stored = [self._stored(name[len(self._root) + 1 :], info) for name, info in found.items()]
        for each in sorted(stored, key=lambda each: each.key):
            if each.key.startswith(prefix) and each.key > after:
                yield each

    def read(self, key: str, *, start: int = 0, stop: int | None = None) -> bytes:
        """Return bytes of an object."""
        check_key(key)
        if stop is not None and stop <= start:
            return b""
        with self._raising(key):
            content = self._files.cat_file(self._path(key), start=start or None, end=stop)
            return bytes(content)

    def write(self, key: str, content: bytes, *, expected: Expected = None) -> StoredObject:
        """Write an object, on a condition as far as fsspec can."""
        path = self._path(check_key(key))
        with self._lock, self._raising(key):
            there = self._there(key)
            if expected == NEW and there is not None:
                raise ObjectChanged(f"{self.address}: {key} is there")
            if isinstance(expected, StoredObject) and (
                there is None or there.version != expected.version
            ):
                raise ObjectChanged(f"{self.address}: {key} was written by somebody else")
            with contextlib.suppress(NotImplementedError, AttributeError):
                self._files.makedirs(path.rpartition("/")[0], exist_ok=True)
            self._files.pipe_file(path, content)
            return self._there(key) or StoredObject(key, len(content), time.time(), "")

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects."""
        for key in keys:
            with contextlib.suppress(ObjectMissing), self._raising(key):
                self._files.rm_file(self._path(check_key(key)))

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}" if key else self._root

    def _there(self, key: str) -> StoredObject | None:
        self._files.invalidate_cache()
        try:
            info = self._files.info(self._path(key))
        except FileNotFoundError:
            return None
        return None if info["type"] == "directory" else self._stored(key, info)

    def _stored(self, key: str, info: dict[str, Any]) -> StoredObject:
        at = next((info[name] for name in _TIMES if info.get(name)), 0.0)
        modified = at.timestamp() if isinstance(at, datetime) else float(at)
        said = next((str(info[name]) for name in _VERSIONS if info.get(name)), "")
        size = int(info.get("size") or 0)
        return StoredObject(key, size, modified, said or f"{size:x}-{modified!r}")

    @contextlib.contextmanager
    def _raising(self, key: str) -> Iterator[None]:
        where = f"{self.address}: {key}" if key else self.address
        try:
            yield
        except LrwatchError:
            raise
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise ObjectMissing(f"{where} is not there") from error
        except PermissionError as error:
            raise AccessDenied(f"{where}: {error}") from error
        except Exception as error:  # each provider's package has errors of its own
            code = getattr(getattr(error, "response", None), "status_code", None)
            kind = AccessDenied if code in (401, 403) else StorageUnavailable
            raise kind(f"{where}: {str(error).partition(chr(10))[0][:200]}") from error
