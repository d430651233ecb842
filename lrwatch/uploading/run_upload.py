"""Send a run from its folder to an address: what is new of it, as often as one likes.

It reads the folder as any reader does, so it may be another process that writes the rows, or
none any more.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import logging
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from lrwatch.errors import ObjectChanged, RunBusy, RunUnreadable, StorageUnavailable
from lrwatch.plain_files import read_file
from lrwatch.records import RunInfo
from lrwatch.storage import NEW, Storage
from lrwatch.store.layout import LABELS, covering
from lrwatch.store.ownership import Ownership, has_writer
from lrwatch.store.parts import widened, write_part
from lrwatch.store.rows import RowRange, end_of_rows, next_rows
from lrwatch.store.run_info import read_run_info
from lrwatch.store.run_names import numbered
from lrwatch.uploading.note import UploadNote, read_note, write_note
from lrwatch.uploading.remote_run import RemoteRun
from lrwatch.uploading.tiers import Span, chunks, due_for_merging

__all__ = ["RunUpload"]

logger = logging.getLogger("lrwatch")

_LOCK: Final = ".upload.lock"
_FIRST_ROWS: Final = 65_536  # of a part, before it is known how many columns there are
_MOST_ROWS: Final = 524_288
_MOST_CELLS: Final = 2**22  # numbers held at once, 32 MiB of them
_NO_MERGE_SECONDS: Final = 3600.0  # after one that a slow link could not take


class RunUpload:
    """The way of one run to one address.

    Attributes
    ----------
    sent
        Number of the first row that is not there yet.
    n_sent
        Rows that were sent from here, each once.
    is_done
        Whether the run has ended and is there as a whole.
    """

    def __init__(self, run: Path, storage: Storage) -> None:
        self.run = run
        self.storage = storage
        self.sent = self.n_sent = 0
        note = read_note(run)
        if note is None or note.address != storage.address:
            note = UploadNote(storage.address, run.name)
        self._note = note
        self.is_done = note.is_done and not has_writer(run)
        self._remote: RemoteRun | None = None
        self._parts: list[Span] = []
        self._most = _FIRST_ROWS
        self._merges_from = 0.0
        self._ownership: Ownership | None = None

    @property
    def address(self) -> str:
        """Where the run is, or will be if nobody has the name."""
        return RemoteRun(self.storage, self._note.folder, "").address

    @property
    def is_settled(self) -> bool:
        """Whether there is nothing to send any more, as far as is remembered here."""
        return self._note.is_done or self._note.is_lost

    def send(self) -> bool:
        """Send what is new; return whether the run has ended and is there as a whole.

        Raises
        ------
        RunBusy
            If another process sends it, or another writer has taken over the run there.
        StorageError
            If the storage does not do it; a later call goes on where this one stopped.
        RunNotFound, RunUnreadable
            If the run cannot be read.
        OSError
            If the disk refuses.
        """
        self._own()
        is_written = has_writer(self.run)  # asked before: its last words come before it goes
        info = read_run_info(self.run)
        try:
            remote = self._remote or self._claimed(info)
            if is_written:
                remote.tell(self._content(info))
            self._send_rows(remote, holds_last=is_written)
            if is_written:
                self._merge_due(remote)
            else:
                self._end(remote, info)
        except RunBusy:
            self._remember(is_lost=True)
            raise
        return self.is_done

    def close(self) -> None:
        """Let another process send the rest."""
        if self._ownership is not None:
            self._ownership.release()
            self._ownership = None

    def _own(self) -> None:
        if self._note.is_lost:
            raise RunBusy(
                f"{self.address} belongs to another writer, or was removed there; what it does not "
                f"have stays in {self.run}: keep it, or remove that folder"
            )
        if self._ownership is None:
            with contextlib.suppress(OSError):  # a folder that is only read has no lock
                self._ownership = Ownership(
                    self.run, _LOCK, otherwise="that process sends its rows"
                )

    # -- the name ------------------------------------------------------------------------------

    def _claimed(self, info: RunInfo) -> RemoteRun:
        """Claim a name at the address, or find the one that was claimed before."""
        for name in numbered(self.run.name):
            if not self._note.is_claimed:
                self._remember(folder=name)
            remote = RemoteRun(self.storage, self._note.folder, self._note.mark)
            seen = remote.claim(self._content(info))
            if seen is None:
                break
            if self._note.is_claimed:
                remote.check()  # raises: it has another mark
            if seen.content.get("id") == info.id:  # as this folder was sent before, and forgot
                self._check_adopted(remote)
                remote.adopt(seen)
                remote.tell(self._content(info))
                break
        self._take_stock(remote)
        self._remember(is_claimed=True, is_done=False)
        self._remote = remote
        return remote

    def _check_adopted(self, remote: RemoteRun) -> None:
        n_rows, _ = end_of_rows(self.run)
        if (there := max((part.stop for part in remote.parts()), default=0)) > n_rows:
            raise RunBusy(
                f"{remote.address} has {there} rows, and {self.run} only {n_rows} of them"
            )

    def _take_stock(self, remote: RemoteRun) -> None:
        """Find out which rows are there."""
        there = remote.parts()
        known = self._note.parts
        if known is None:
            self._parts = covering(there)
        else:
            own = [Span(*part) for part in known]
            self._parts = own if set(own) <= {*there} else []
        self.sent = self._parts[-1].stop if self._parts else 0

    def _content(self, info: RunInfo) -> bytes:
        """Return ``run.json`` for the address: with the name there, and the writer's mark."""
        more = self._note.folder[len(self.run.name) :]
        facts = dataclasses.asdict(info) | {"name": info.name + more, "writer": self._note.mark}
        return (json.dumps(facts, indent=2, allow_nan=True, default=str) + "\n").encode()

    def _remember(self, **facts: Any) -> None:
        parts = tuple((part.first, part.stop) for part in self._parts)
        changed = dataclasses.replace(self._note, parts=parts or self._note.parts, **facts)
        if changed != self._note:
            self._note = changed
            write_note(self.run, changed)

    # -- the rows ------------------------------------------------------------------------------

    def _send_rows(self, remote: RemoteRun, *, holds_last: bool) -> None:
        """Send the rows from `sent` on; the last one may still be written again."""
        while (rows := next_rows(self.run, self.sent, self._most)) is not None:
            stop = rows.stop - (holds_last and rows.is_last)
            if stop > rows.first:
                span = Span(rows.first, stop)
                self._put(remote, span, [rows])
                self._parts.append(span)
                self.sent = stop
                self.n_sent += span.n_rows
                self._remember()
            if rows.is_last:
                return
            self._most = min(_MOST_ROWS, max(1, _MOST_CELLS // rows.table.num_columns))

    def _put(self, remote: RemoteRun, span: Span, rows: Sequence[RowRange] | None = None) -> None:
        """Write a part of rows that are given, or read here bit by bit."""
        found = self._rows(span) if rows is None else rows
        schema = pa.unify_schemas([each.table.schema for each in found])
        found = self._rows(span) if rows is None else rows
        tables = (widened(each.table.slice(0, span.stop - each.first), schema) for each in found)
        with tempfile.TemporaryDirectory(prefix="lrwatch-") as folder:
            path = Path(folder) / "part.parquet"
            write_part(path, tables, schema)
            content = path.read_bytes()
        remote.put(span, content)

    def _rows(self, span: Span) -> Iterator[RowRange]:
        first = span.first
        while first < span.stop:
            rows = next_rows(self.run, first, min(self._most, span.stop - first))
            if rows is None or rows.first != first:
                raise RunUnreadable(f"row {first} is lost here, so it stays in parts there")
            yield rows
            first = rows.stop

    # -- fewer parts ---------------------------------------------------------------------------

    def _merge_due(self, remote: RemoteRun) -> None:
        if time.monotonic() < self._merges_from:
            return
        try:
            while group := due_for_merging(self._parts):
                self._merge(remote, group)
        except (RunUnreadable, StorageUnavailable) as error:
            logger.debug("%s stays in %d parts for now: %s", self.address, len(self._parts), error)
            self._merges_from = time.monotonic() + _NO_MERGE_SECONDS

    def _merge(self, remote: RemoteRun, group: Sequence[Span]) -> None:
        span = Span(group[0].first, group[-1].stop)
        self._put(remote, span)
        at = self._parts.index(group[0])
        self._parts[at : at + len(group)] = [span]
        self._remember()
        remote.remove_others(self._parts)

    def _end(self, remote: RemoteRun, info: RunInfo) -> None:
        """Send what a run that has ended still needs, the least urgent last."""
        remote.tell(self._content(info))
        with contextlib.suppress(OSError, ValueError, ObjectChanged):
            if labels := read_file(self.run / LABELS):
                self.storage.write(f"{self._note.folder}/{LABELS}", labels, expected=NEW)
        for group in list(chunks(self._parts)):
            try:
                if len(group) > 1:
                    self._merge(remote, group)
            except RunUnreadable as error:
                logger.warning("%s ends in several parts: %s", self.address, error)
        remote.remove_others(self._parts)
        self.is_done = True
        self._remember(is_done=True)
        self.close()
