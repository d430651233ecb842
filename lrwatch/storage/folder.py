"""Objects as files of a folder, on a local disk or one that several machines share."""

from __future__ import annotations

import contextlib
import errno
import os
import time
import uuid
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final

from lrwatch.errors import AccessDenied, ObjectChanged, ObjectMissing, StorageUnavailable
from lrwatch.plain_files import locked, open_plain
from lrwatch.storage.addresses import check_key
from lrwatch.storage.door import NEW, Expected, StoredObject
from lrwatch.system import move

__all__ = ["FolderStorage"]

_ASIDE: Final = ".lrwatch-write"
_LOCK: Final = ".lrwatch-lock"
_PATIENCE_SECONDS: Final = 10.0
_TRIES: Final = 5


class FolderStorage:
    """Files below a folder; see `Storage` for what it can do.

    A file appears by a rename. Writes that replace a version wait for each other by a lock file,
    which lives for milliseconds, so they are conditional among all that write through here.

    Parameters
    ----------
    folder
        It is made with the first object.
    address
        What it is called; the folder's path by default.
    """

    def __init__(self, folder: str | os.PathLike[str], *, address: str = "") -> None:
        self._folder = Path(folder)
        self.address = address or str(self._folder)

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[StoredObject]:
        """Yield objects in the order of their keys."""
        folder = prefix.rpartition("/")[0]
        with self._said(prefix):
            for stored in self._walked(self._folder / folder, f"{folder}/" if folder else ""):
                if stored.key.startswith(prefix) and stored.key > after:
                    yield stored

    def read(self, key: str, *, start: int = 0, stop: int | None = None) -> bytes:
        """Return bytes of an object."""
        with self._said(key), os.fdopen(open_plain(self._path(key), follow=True), "rb") as file:
            file.seek(start)
            return file.read(-1 if stop is None else max(0, stop - start))

    def write(self, key: str, content: bytes, *, expected: Expected = None) -> StoredObject:
        """Write an object."""
        path = self._path(key)
        with self._said(key):
            aside = self._written_aside(path, content)
            try:
                stored = _stored(key, aside)
                if expected == NEW:
                    _place_new(aside, path)
                else:
                    with _locked(path):
                        if isinstance(expected, StoredObject):
                            _check(path, expected)
                        move(aside, path)
            except FileExistsError as error:
                raise ObjectChanged(f"{self.address}: {key} is not as expected") from error
            finally:
                aside.unlink(missing_ok=True)
        return stored

    def remove(self, keys: Iterable[str]) -> None:
        """Remove objects, and folders that are left empty."""
        for key in keys:
            path = self._path(key)
            with self._said(key):
                with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                    path.unlink()
                for parent in path.relative_to(self._folder).parents[:-1]:
                    with contextlib.suppress(OSError):
                        (self._folder / parent).rmdir()

    def _path(self, key: str) -> Path:
        return self._folder / check_key(key)

    def _written_aside(self, path: Path, content: bytes) -> Path:
        aside = path.with_name(f"{_ASIDE}-{uuid.uuid4().hex}")
        for left in reversed(range(_TRIES)):
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                with aside.open("xb") as file:
                    file.write(content)
                    file.flush()
                    os.fsync(file.fileno())
                break
            except FileNotFoundError:  # somebody removed the last object of the folder just now
                if not left:
                    raise
        # By the clock of the system, whose steps are finer than those of many file systems'.
        now = time.time_ns()
        os.utime(aside, ns=(now, now))
        return aside

    def _walked(self, folder: Path, below: str) -> Iterator[StoredObject]:
        try:
            with os.scandir(folder) as found:
                entries = [
                    (f"{entry.name}/" if entry.is_dir(follow_symlinks=False) else entry.name, entry)
                    for entry in found
                    if not entry.name.startswith((_ASIDE, _LOCK))
                ]
        except (FileNotFoundError, NotADirectoryError):
            return
        for name, entry in sorted(entries, key=lambda pair: pair[0]):
            if name.endswith("/"):
                yield from self._walked(folder / entry.name, below + name)
            elif entry.is_file():
                with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                    yield _stored(below + name, folder / name)

    @contextlib.contextmanager
    def _said(self, key: str) -> Iterator[None]:
        """Turn what the operating system says into errors of ours."""
        try:
            yield
        except (ObjectChanged, ObjectMissing):
            raise
        except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
            raise ObjectMissing(f"{self.address}: there is no {key}") from error
        except PermissionError as error:
            raise AccessDenied(f"{self.address}: {key}: {error.strerror or error}") from error
        except OSError as error:
            raise StorageUnavailable(f"{self.address}: {key}: {error.strerror or error}") from error


def _stored(key: str, path: Path) -> StoredObject:
    found = path.stat()
    version = f"{found.st_ino:x}-{found.st_mtime_ns:x}-{found.st_size:x}"
    return StoredObject(key, found.st_size, found.st_mtime_ns / 1e9, version)


def _check(path: Path, expected: StoredObject) -> None:
    try:
        version = _stored(expected.key, path).version
    except FileNotFoundError:
        version = ""
    if version != expected.version:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))


def _place_new(aside: Path, path: Path) -> None:
    """Rename a file, unless there is one already."""
    try:
        os.link(aside, path)
    except FileExistsError:
        raise
    except (OSError, AttributeError, NotImplementedError):  # a folder without links
        with _locked(path):
            if path.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST)) from None
            move(aside, path)


def _locked(path: Path) -> AbstractContextManager[None]:
    return locked(path.with_name(f"{_LOCK}-{path.name}"), patience=_PATIENCE_SECONDS)
