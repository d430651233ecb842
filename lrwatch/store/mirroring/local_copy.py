"""The folder of a mirror: which objects it holds, and how others are put there and taken away.

A file here has the time stamp of its object, and in the digits below a second its version. So the
folder itself tells what it holds: several processes may write it at once, and a kill leaves
nothing to repair.
"""

from __future__ import annotations

import contextlib
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final, NamedTuple

from lrwatch.cache_folder import CACHE_VARIABLE
from lrwatch.errors import StorageError, StoreNotWritable
from lrwatch.formats import count
from lrwatch.plain_files import replacing
from lrwatch.storage.door import Storage, StoredObject
from lrwatch.store.layout import LABELS, RUN_JSON, STEPS
from lrwatch.store.mirroring.cache_space import (
    BYTES_VARIABLE,
    CacheSpace,
    note_use,
)
from lrwatch.store.mirroring.names import is_beside, place_of

__all__ = ["HeldFiles", "LocalCopy", "is_small"]

_PIECE: Final = 32 * 2**20
_LAST_MOMENT: Final = 253_402_300_799.0  # of the year 9999


class HeldFiles(NamedTuple):
    """Files by run, and keys of those that are kept beside the runs."""

    runs: dict[str, set[str]]
    beside: set[str]


class LocalCopy:
    """Copies of objects in a folder, each below its key.

    Parameters
    ----------
    storage
        Where the objects are.
    folder
        Where the copies are.
    space
        Room for them.
    """

    def __init__(self, storage: Storage, folder: Path, space: CacheSpace) -> None:
        self.folder, self._root = folder, os.fspath(folder)
        self._storage, self._space = storage, space

    def make_folder(self) -> None:
        """Make the folder.

        Raises
        ------
        StoreNotWritable
            If it cannot be made.
        """
        with self._writing():
            self.folder.mkdir(parents=True, exist_ok=True)

    def ignores_case(self) -> bool:
        """Return whether names that differ in capitals are one name here."""
        try:
            return self.folder.samefile(str(self.folder).swapcase())
        except OSError:
            return False

    def files(self, run: str = "") -> HeldFiles:
        """Return what is here, of one run and those below it, or of all."""
        found: dict[str, set[str]] = {}
        beside: set[str] = set()
        for path, _, names in os.walk(self.folder / run):
            # A Path of each costs as much as all the rest.
            above = path[len(self._root) + 1 :].replace(os.sep, "/")
            for name in names:
                key = f"{above}/{name}" if above else name
                if place := place_of(key):
                    found.setdefault(place.run, set()).add(place.file)
                elif is_beside(key):
                    beside.add(key)
        return HeldFiles(found, beside)

    def holds(self, item: StoredObject) -> bool:
        """Return whether an object is here, in this version."""
        try:
            known = os.stat(f"{self._root}/{item.key}")  # noqa: PTH116  a Path costs as much again
        except OSError:
            return False
        return (known.st_size, known.st_mtime_ns) == (item.size, _stamp(item))

    def content(self, item: StoredObject) -> bytes | None:
        """Return what an object holds that is here in this version; None if it is not."""
        try:
            return (self.folder / item.key).read_bytes() if self.holds(item) else None
        except OSError:
            return None

    def drop(self, path: Path) -> None:
        """Remove the copy of an object that is gone."""
        with self._writing():
            path.unlink(missing_ok=True)

    def fetch(self, item: StoredObject) -> None:
        """Fetch an object.

        Raises
        ------
        StorageError
            If it cannot be had.
        StoreNotWritable
            If it cannot be written here.
        """
        if item.size > self._space.limit:
            raise StorageError(
                f"{self._storage.address}/{item.key} has {count(item.size)} bytes, more than the "
                f"cache may take; set {BYTES_VARIABLE} to a larger number"
            )
        with self._writing(), self._replacing(item) as aside, aside.open("xb") as file:
            for start in range(0, item.size, _PIECE):
                stop = min(start + _PIECE, item.size)
                file.write(self._storage.read(item.key, start=start, stop=stop))
        if not is_small(item.key):
            self._space.add(item.size)

    def put(self, item: StoredObject, content: bytes) -> None:
        """Take over an object that was just written to the storage."""
        with self._writing(), self._replacing(item) as aside:
            aside.write_bytes(content)

    def mark_run(self, run: str, files: Mapping[str, StoredObject], *, is_read: bool) -> None:
        """Give the folder of a run's steps the time at which they were last written.

        Whoever lists the folder sees by it that there are new ones, fetched or not.
        """
        steps = self.folder / run / STEPS
        newest = max(
            (_stamp(item) for name, item in files.items() if not is_small(name)), default=0
        )
        if not newest:
            return
        with self._writing():
            if is_read:
                note_use(steps)
            else:
                steps.mkdir(parents=True, exist_ok=True)
            if steps.stat().st_mtime_ns != newest:
                os.utime(steps, ns=(newest, newest))
                if not is_read:
                    os.utime(steps.parent)  # a catalogue may take a run that has ended as it was

    def remove(self, run: str, files: Iterable[str]) -> None:
        """Remove copies, and folders that are empty then."""
        folder = self.folder / run
        with contextlib.suppress(OSError):
            for name in files:
                (folder / name).unlink(missing_ok=True)

    def remove_run(self, run: str) -> None:
        """Remove what is here of a run; what others put beside it stays."""
        self.remove(run, self.files(run).runs.get(run, ()))
        folder = self.folder / run
        with contextlib.suppress(OSError):
            for path in (folder / STEPS).iterdir():
                path.unlink()
        with contextlib.suppress(OSError):
            (folder / STEPS).rmdir()
        with contextlib.suppress(OSError):
            for path in (folder, *folder.parents):
                if path == self.folder:
                    break
                path.rmdir()

    @contextlib.contextmanager
    def _replacing(self, item: StoredObject) -> Iterator[Path]:
        path = self.folder / item.key
        path.parent.mkdir(parents=True, exist_ok=True)
        with replacing(path) as aside:
            yield aside
            os.utime(aside, ns=(_stamp(item), _stamp(item)))

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except (StorageError, StoreNotWritable):
            raise
        except OSError as error:
            raise StoreNotWritable(
                f"cannot keep a copy of {self._storage.address} in {self.folder}: "
                f"{error.strerror or error}; set {CACHE_VARIABLE} to a folder with room"
            ) from error


def is_small(key: str) -> bool:
    """Tell what is fetched without being asked for."""
    return key.endswith((RUN_JSON, LABELS))


def _stamp(item: StoredObject) -> int:
    """Return the time stamp of a copy, in nanoseconds since the Unix epoch.

    Counted in hundreds of them, as Windows does.
    """
    modified = item.modified if 0 <= item.modified <= _LAST_MOMENT else 0.0
    return int(modified) * 10**9 + zlib.crc32(item.version.encode()) % 10**7 * 100
