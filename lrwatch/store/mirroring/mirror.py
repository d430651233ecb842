"""A store at an address, kept in step with a folder of this machine, which readers read.

A look is one listing. What is small and changes, ``run.json`` and labels, is fetched where it is
new; the steps of a run, when somebody reads it.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping
from concurrent.futures import Future
from pathlib import Path
from typing import Final

from lrwatch.errors import (
    LrwatchError,
    ObjectChanged,
    ObjectMissing,
    StorageError,
    StorageUnavailable,
    StoreNotWritable,
)
from lrwatch.formats import duration, printable
from lrwatch.storage.door import Storage, StoredObject, object_at
from lrwatch.store.layout import LABELS, RUN_JSON
from lrwatch.store.mirroring.bundle import bundled, write_bundle
from lrwatch.store.mirroring.cache_space import CacheSpace
from lrwatch.store.mirroring.crew import fetching, is_ending, looking, reading_ahead
from lrwatch.store.mirroring.listing import RunObjects, list_objects
from lrwatch.store.mirroring.local_copy import LocalCopy, is_small
from lrwatch.store.mirroring.names import stop_row

__all__ = ["StoreMirror"]

logger = logging.getLogger("lrwatch")

_LOOK_SECONDS: Final = 10.0
"""From one look to the next while somebody follows the store; nobody looks otherwise."""

_LOOK_SHARE: Final = 3.0
"""... and so many times what a look takes."""

_LONGEST_WAIT: Final = 60.0
"""From one look to the next while the storage cannot be reached."""

_PATIENCE_SECONDS: Final = 30.0
"""What was seen so recently is shown meanwhile: nobody waits, or is told of a failed look."""

_MOST_BYTES: Final = {RUN_JSON: 8 * 2**20, LABELS: 2**18}
"""Of what is fetched without being asked for; readers take no more."""

_MOST_BESIDE: Final = 8 * 2**20
"""Bytes of what people said and did, each."""

_MANY: Final = 50
"""So many small objects to fetch are worth a look at the bundle."""

_TRIES: Final = 5
_AHEAD: Final = 16
"""So many runs are fetched before they are asked for, where one after the other is."""


class StoreMirror:
    """The copy of a store, or of one run.

    Parameters
    ----------
    storage
        The store.
    folder
        Where the copy is.
    space
        Room for it.

    Attributes
    ----------
    storage, copy
        Both sides.
    """

    def __init__(self, storage: Storage, folder: Path, space: CacheSpace) -> None:
        self.storage, self.copy = storage, LocalCopy(storage, folder, space)
        self._runs: RunObjects | None = None
        self._order: list[str] = []
        self._beside: set[str] = set()
        self._gone: defaultdict[str, set[str]] = defaultdict(set)
        self._busy: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)
        self._refreshing = threading.RLock()
        self._look: Future[None] | None = None
        self._due = self._seen_at = 0.0
        self._n_failed = 0
        self._problem: LrwatchError | None = None
        self._last_read = self._read_to = -2
        self._said: set[str] = set()

    def look(self) -> None:
        """See what is new: at once where nobody looked lately, else in the background.

        Raises
        ------
        StorageError, StoreNotWritable
            If that has not worked for a while; since when is said.
        """
        self._keep_looking()
        problem, quiet = self._problem, time.time() - self._seen_at
        if problem is not None and (self._runs is None or quiet > _PATIENCE_SECONDS):
            seen = "" if self._runs is None else f"; last seen {duration(quiet)} ago"
            raise type(problem)(f"{problem}{seen}") from problem

    def refresh(self, run: str = "") -> None:
        """List what there is, of one run or of all, and fetch what is small and new.

        Raises
        ------
        StorageError
            If the storage cannot be reached.
        StoreNotWritable
            If the copy cannot be written.
        """
        with self._refreshing:
            began, known = time.time(), self._runs
            run = "" if known is None else run
            self.copy.make_folder()
            ignores_case = self.copy.ignores_case()
            listing = list_objects(self.storage, self._say, run=run, ignores_case=ignores_case)
            found = listing.runs
            others = {} if known is None else known
            kept = {key: files for key, files in others.items() if not _is_within(key, run)}
            before: Mapping[str, Mapping[str, object] | set[str]] = others
            if known is None:
                before, self._beside = self.copy.files()
            self._runs = {**kept, **found}
            self._order = sorted(self._runs)
            self._forget({key: set(before[key]) for key in before.keys() - kept.keys()}, found)
            self._fetch_small(found)
            self._fetch_beside(listing.beside, run)
            for key, files in found.items():
                if known is None or files != known.get(key):
                    self.copy.mark_run(key, files, is_read=False)
            if not run:
                self._seen_at, self._n_failed, self._problem = began, 0, None
                wait = max(_LOOK_SECONDS, _LOOK_SHARE * (time.time() - began))
                self._due = time.monotonic() + wait

    def fetch(self, run: Path, first: int = 0) -> None:
        """Have the rows of a run here, from a number on.

        Parameters
        ----------
        run
            Its folder in the copy.
        first
            Number of the first row.

        Raises
        ------
        StorageError
            If they cannot be had.
        StoreNotWritable
            If they cannot be written here.
        """
        self._keep_looking()
        key = self.key_of(run)
        self._fetch(key, first)
        self._read_ahead(key)

    def look_again(self, run: str) -> None:
        """See what became of a run that was changed at the address; raises as `refresh`."""
        if self._runs is not None:
            self.refresh(run)
        else:
            self.copy.remove_run(run)  # what is still there is fetched when it is read

    def files_of(self, run: Path) -> Mapping[str, StoredObject] | None:
        """Return the files of a run as they were last listed; None if nobody has looked yet."""
        return None if self._runs is None else self._runs.get(self.key_of(run), {})

    def bring(self, path: Path) -> None:
        """Have one object here, whatever it is, as it is at the address; or gone, as it is there.

        Raises
        ------
        StorageError
            If it cannot be had.
        StoreNotWritable
            If it cannot be written here.
        """
        item = object_at(self.storage, self.key_of(path))
        if item is None:
            self.copy.drop(path)
        elif not self.copy.holds(item):
            self.copy.fetch(item)

    def send(self, path: Path, content: bytes) -> None:
        """Write one object, whatever is there; raises as `bring`."""
        self.copy.put(self.storage.write(self.key_of(path), content), content)

    def write_bundle(self) -> None:
        """Write what is small of all runs into one object, for who looks for the first time.

        Raises
        ------
        StorageError
            If it cannot be written.
        """
        held = ((item, self.copy.content(item)) for item in self._small(self._runs or {}))
        write_bundle(self.storage, ((item, body) for item, body in held if body is not None))

    def key_of(self, path: Path) -> str:
        """Return the key of a file or folder of the copy; empty for the copy itself."""
        key = path.relative_to(self.copy.folder).as_posix()
        return "" if key == "." else key

    def _keep_looking(self) -> None:
        if self._is_stale():
            with self._refreshing:
                if self._is_stale():
                    self._try_to_refresh()
        elif time.monotonic() >= self._due and (self._look is None or self._look.done()):
            self._look = looking().submit(self._try_to_refresh)

    def _is_stale(self) -> bool:
        """Return whether nobody has looked for so long that whoever asks had better wait."""
        if self._runs is None:
            return time.monotonic() >= self._due
        return not self._n_failed and time.monotonic() - self._due > _PATIENCE_SECONDS

    def _try_to_refresh(self) -> None:
        was_failing = self._n_failed > 0
        try:
            self.refresh()
        except (StorageError, StoreNotWritable) as error:
            self._n_failed += 1
            self._problem = error
            wait = _LOOK_SECONDS * 2 ** min(self._n_failed - 1, 5)
            self._due = time.monotonic() + min(wait, _LONGEST_WAIT)
            if self._runs is not None and not was_failing:
                logger.warning("%s; trying again", printable(str(error)))
        else:
            if was_failing:
                logger.warning("%s can be reached again", self.storage.address)

    def _forget(self, before: Mapping[str, set[str]], found: RunObjects) -> None:
        """Take away what is gone; steps only once those that replace them are here."""
        for run, files in before.items():
            if run not in found:
                self.copy.remove_run(run)
                self._gone.pop(run, None)
                continue
            gone = files - found[run].keys()
            self.copy.remove(run, filter(is_small, gone))
            self._gone[run] |= {name for name in gone if not is_small(name)}

    def _fetch_small(self, found: RunObjects) -> None:
        wanted = {item.key: item for item in self._small(found) if not self.copy.holds(item)}
        if len(wanted) >= _MANY:
            for item, content in bundled(self.storage, wanted):
                self.copy.put(item, content)
                del wanted[item.key]
        list(fetching().map(self._fetch_if_there, wanted.values()))

    def _fetch_beside(self, found: Mapping[str, StoredObject], run: str) -> None:
        """Have here what people said and did as it is there: this shows all that was listed."""
        for key in {key for key in self._beside - found.keys() if _is_within(key, run)}:
            self.copy.drop(self.copy.folder / key)
            self._beside.discard(key)
        self._beside |= found.keys()
        new = (item for item in found.values() if not self.copy.holds(item))
        small = (item for item in new if item.size <= _MOST_BESIDE)
        list(fetching().map(self._fetch_if_there, small))

    def _small(self, found: RunObjects) -> Iterator[StoredObject]:
        for files in found.values():
            for name, most in _MOST_BYTES.items():
                item = files.get(name)
                if item is not None and item.size > most:
                    self._say(f"{self.storage.address}/{item.key} is too large and is left out")
                elif item is not None:
                    yield item

    def _fetch_if_there(self, item: StoredObject) -> None:
        with contextlib.suppress(ObjectMissing):
            if not is_ending():
                self.copy.fetch(item)

    def _fetch(self, key: str, first: int) -> None:
        with self._busy[key]:
            for _ in range(_TRIES):
                files = (self._runs or {}).get(key, {})
                try:
                    self._bring(files, first)
                except (ObjectMissing, ObjectChanged):
                    self.refresh(key)  # parts were merged meanwhile
                    continue
                self.copy.remove(key, self._gone.pop(key, set()) - files.keys())
                self.copy.mark_run(key, files, is_read=True)
                return
            raise StorageUnavailable(
                f"{self.storage.address}: {key or 'the run'} changes faster than it can be read"
            )

    def _bring(self, files: Mapping[str, StoredObject], first: int) -> None:
        wanted = [
            item
            for name, item in sorted(files.items())
            if not is_small(name)
            and ((stop := stop_row(name)) is None or stop > first)
            and not self.copy.holds(item)
        ]
        if len(wanted) == 1:
            self.copy.fetch(wanted[0])
        else:
            list(fetching().map(self.copy.fetch, wanted))

    def _read_ahead(self, key: str) -> None:
        """Fetch the runs that come next, where one is read after the other, as lists do."""
        order = self._order
        place = bisect_left(order, key)
        is_next, self._last_read = place == self._last_read + 1, place
        if not is_next:
            self._read_to = place
            return
        stop = min(place + 1 + _AHEAD, len(order))
        for following in order[max(place, self._read_to) + 1 : stop]:
            reading_ahead().submit(self._fetch_ahead, following)
        self._read_to = max(self._read_to, stop - 1)

    def _fetch_ahead(self, key: str) -> None:
        if not is_ending():
            with contextlib.suppress(LrwatchError):  # whoever reads it is told
                self._fetch(key, 0)

    def _say(self, text: str) -> None:
        if text not in self._said:
            self._said.add(text)
            logger.warning("%s", text)


def _is_within(key: str, run: str) -> bool:
    return not run or key == run or key.startswith(f"{run}/")
