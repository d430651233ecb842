"""A run at an address, as its writer sees it: claimed by one, given up to whoever claims it next.

``run.json`` there has a key ``writer``, a mark of the folder whose rows these are. It is written
only over the version that was read, so the last to claim a run is its writer, and every other one
finds a mark that is not its own before it writes or removes a part.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, NamedTuple

from lrwatch.errors import ObjectChanged, ObjectMissing, RunBusy, StorageError
from lrwatch.storage import NEW, Expected, Storage, StoredObject, join, object_at
from lrwatch.store import layout
from lrwatch.store.layout import RUN_JSON, STEPS, part_rows
from lrwatch.uploading.tiers import Span

__all__ = ["RemoteRun", "SeenRun", "content_of", "part_name", "span_of"]


class SeenRun(NamedTuple):
    """``run.json`` as it was read."""

    stored: StoredObject
    content: dict[str, Any]
    raw: bytes


class RemoteRun:
    """One run of a store at an address."""

    def __init__(self, storage: Storage, folder: str, mark: str) -> None:
        self.storage = storage
        self.folder = folder
        self.mark = mark
        self._version: Expected = NEW
        self._sent = b""

    @property
    def address(self) -> str:
        """Where it is."""
        return join(self.storage.address, self.folder)

    def look(self) -> SeenRun | None:
        """Return ``run.json`` and its version; ``None`` if there is none.

        Raises
        ------
        StorageError
            If it cannot be read, or is none.
        """
        key = self._key(RUN_JSON)
        stored = object_at(self.storage, key)
        if stored is None:
            return None
        raw = self.storage.read(key)
        return SeenRun(stored, content_of(raw, self.address), raw)

    def claim(self, info: bytes) -> SeenRun | None:
        """Make the run, or say what is there already.

        Returns
        -------
        ``None`` if it is this writer's, now or since an earlier try whose answer was lost.
        """
        try:
            self._version = self.storage.write(self._key(RUN_JSON), info, expected=NEW)
        except ObjectChanged:
            seen = self.look()
            if seen is None:  # removed in this instant
                raise
            if seen.content.get("writer") != self.mark:
                return seen
            self.adopt(seen)
        else:
            self._sent = info
        return None

    def adopt(self, seen: SeenRun) -> None:
        """Take what is there for what the next `tell` replaces."""
        self._version, self._sent = seen.stored, seen.raw

    def tell(self, info: bytes) -> None:
        """Write ``run.json``, if it differs from what is there.

        Raises
        ------
        RunBusy
            If another writer has the run.
        """
        while info != self._sent:
            try:
                self._version = self.storage.write(
                    self._key(RUN_JSON), info, expected=self._version
                )
            except ObjectChanged:
                seen = self.look()
                self._check(None if seen is None else seen.content)
                if seen is not None:
                    self.adopt(seen)
            else:
                self._sent = info

    def check(self) -> None:
        """Check that the run is still this writer's.

        Raises
        ------
        RunBusy
            If another one has it, or somebody has removed it.
        """
        try:
            content = content_of(self.storage.read(self._key(RUN_JSON)), self.address)
        except ObjectMissing:
            content = None
        self._check(content)

    def parts(self) -> list[Span]:
        """List the rows of the parts that are there."""
        found = self.storage.list(self._key(f"{STEPS}/"))
        spans = (span_of(stored.key.removeprefix(self._key(""))) for stored in found)
        return [span for span in spans if span is not None]

    def put(self, span: Span, content: bytes) -> None:
        """Write a part, once more if its answer was lost.

        Raises
        ------
        RunBusy
            If another writer has the run.
        """
        self.check()
        key = self._key(part_name(span))
        try:
            self.storage.write(key, content, expected=NEW)
        except ObjectChanged:
            if self.storage.read(key) != content:
                self.check()
                self.storage.write(key, content)  # of an earlier writer, or of an earlier pyarrow

    def read(self, span: Span) -> bytes:
        """Return a part."""
        return self.storage.read(self._key(part_name(span)))

    def remove(self, spans: Iterable[Span]) -> None:
        """Remove parts."""
        self.storage.remove([self._key(part_name(span)) for span in spans])

    def remove_others(self, own: Iterable[Span]) -> None:
        """Remove parts that are not this writer's: merged ones, and those of one that lost.

        Those listed while the run is this writer's cannot be of a later one.
        """
        others = set(self.parts()) - set(own)
        if others:
            self.check()
            self.remove(others)

    def _check(self, content: dict[str, Any] | None) -> None:
        if content is None:
            raise RunBusy(f"{self.address} was removed")
        if content.get("writer") != self.mark:
            where = content.get("host") or "another machine"
            raise RunBusy(f"{self.address} is written by another process, on {where}")

    def _key(self, name: str) -> str:
        return f"{self.folder}/{name}"


def content_of(raw: bytes, address: str) -> dict[str, Any]:
    """Return what ``run.json`` says.

    Raises
    ------
    StorageError
        If it says nothing that can be read.
    """
    try:
        content = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise StorageError(f"{join(address, RUN_JSON)} is damaged: {error}") from error
    if not isinstance(content, dict):
        raise StorageError(f"{join(address, RUN_JSON)} is damaged: no JSON object")
    return content


def span_of(name: str) -> Span | None:
    """Return the rows that a file of a run holds by its name, if it is a part."""
    folder, _, file = name.rpartition("/")
    rows = part_rows(file) if folder == STEPS else None
    span = None if rows is None else Span(*rows)
    return span if span and span.n_rows > 0 else None


def part_name(span: Span) -> str:
    """Return the name of the file of a run that holds these rows."""
    return f"{STEPS}/{layout.part_name(*span)}"
