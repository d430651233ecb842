"""The open tail of a run: one fixed-size record a step, written before the next step starts.

A journal file, all numbers little-endian::

    8 bytes   magic "LRWJRNL1"
    uint32    length of the header in bytes, a multiple of 8
    uint32    CRC-32 of the JSON that follows
    JSON      {"first_row": ..., "columns": [...]}, padded with blanks to the header's length
    then records of 24 + 8 * len(columns) bytes:
      uint32  CRC-32 of the rest of the record
      uint32  flags; bit 0: the optimizer step was skipped
      int64   step
      int64   time, microseconds since the Unix epoch, UTC
      float64 one value a column; the NaN with the bits 7FF85F4E554C4C5F is a null

Record ``i`` is row ``first_row + i`` of the run. A record that is cut or fails its checksum is
no row. At the end of a file that is what a kill leaves, or a record being written, and every
prefix of a journal reads as a prefix of the rows; before a whole record it is damage, and costs
that row alone.
"""

from __future__ import annotations

import contextlib
import json
import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
import numpy.typing as npt

from lrwatch.errors import RunUnreadable
from lrwatch.plain_files import open_plain
from lrwatch.records import NULL, FloatArray
from lrwatch.store.faults import reading
from lrwatch.system import BINARY, MOVES_OPEN_FILES, NEW_FILE, read_at, write_at

__all__ = ["SKIPPED", "JournalRows", "JournalWriter", "last_rows", "read_journal", "together"]

_MAGIC = b"LRWJRNL1"
_PREFIX = struct.Struct("<8sII")
_LONGEST_HEADER: Final = 16 * 2**20
_CHUNK: Final = 16 * 2**20  # bytes read at once; so many without a whole record are the end
SKIPPED = 1
"""Flag of a row whose optimizer step was skipped."""


@dataclass(frozen=True, slots=True)
class JournalRows:
    """Rows read from a journal, as numpy columns of shape ``(n_rows,)``.

    `values` has shape ``(n_rows, n_columns)``, with `lrwatch.records.NULL` for "not recorded".
    `place` is where each record stands in the file, counted from 0: damaged ones leave gaps.
    """

    columns: tuple[str, ...]
    place: npt.NDArray[np.int64]
    step: npt.NDArray[np.int64]
    time: npt.NDArray[np.int64]
    skipped: npt.NDArray[np.bool_]
    values: FloatArray

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.step)

    def __getitem__(self, rows: slice) -> JournalRows:
        """Return consecutive rows, as views."""
        names = ("place", "step", "time", "skipped", "values")
        return JournalRows(self.columns, **{name: getattr(self, name)[rows] for name in names})

    def before(self, place: int) -> JournalRows:
        """Return the rows whose records stand before a place in the file."""
        return self[: int(np.searchsorted(self.place, place))]


class JournalWriter:
    """Appends records to one journal file.

    Parameters
    ----------
    path
        A file that does not exist yet.
    first_row
        Number of the first row, counted over the run.
    columns
        Names of the float columns, in the order in which `pack` is given them.

    Attributes
    ----------
    next_row
        Number of the row that is written next, counted over the run.

    Raises
    ------
    OSError
        If the file cannot be created, or exists.
    """

    def __init__(self, path: Path, first_row: int, columns: Sequence[str]) -> None:
        self.path = path
        self.first_row = self.next_row = first_row
        self.columns = tuple(columns)
        self._body = struct.Struct(f"<Iqq{len(columns)}d")
        self.record_size = 4 + self._body.size
        self._buffer = bytearray(self.record_size)
        self._after_checksum = memoryview(self._buffer)[4:]
        header = _header(first_row, self.columns)
        # O_EXCL: two writers that believe to own a run must not share a file.
        self._file = os.open(path, NEW_FILE, 0o644)
        self._offset = len(header)  # where the next record goes
        try:
            _write_all(self._file, header, 0)
        except OSError:
            self.close()
            path.unlink(missing_ok=True)
            raise

    def pack(self, flags: int, step: int, time: int, values: Sequence[float]) -> bytearray:
        """Return one record; the buffer is used again by the next call."""
        buffer = self._buffer
        self._body.pack_into(buffer, 4, flags, step, time, *values)
        buffer[:4] = zlib.crc32(self._after_checksum).to_bytes(4, "little")
        return buffer

    def append(self, record: bytes | bytearray) -> None:
        """Write a record after those that are there.

        Raises
        ------
        OSError
            If not all could be written. The file may then end in a cut record, which the next
            call overwrites, as every write goes to its own offset.
        """
        if write_at(self._file, record, self._offset) != self.record_size:
            _write_all(self._file, record, self._offset)
        self._offset += self.record_size  # no call between these: Ctrl-C cannot part them
        self.next_row += 1

    def replace_last(self, record: bytes | bytearray) -> None:
        """Write one record over the last one.

        Raises
        ------
        OSError
            If it could not be written whole; the last row may then be lost to readers.
        """
        _write_all(self._file, record, self._offset - self.record_size)

    def move_to(self, path: Path) -> None:
        """Go on in a new file that has all records so far, as when the old one was deleted.

        Raises
        ------
        OSError
            If it cannot be written; the old file, deleted or not, then goes on.
        """
        content = read_at(self._file, self._offset, 0)
        file = os.open(path, NEW_FILE, 0o644)
        try:
            _write_all(file, content, 0)
        except OSError:
            os.close(file)
            path.unlink(missing_ok=True)
            raise
        before, self._file, self.path = self._file, file, path
        os.close(before)

    def make_movable(self) -> None:
        """Let go of the file where the system renames none that is open; `settle` takes it up."""
        if not MOVES_OPEN_FILES:
            self.close()

    def settle(self, path: Path) -> None:
        """Go on at the path that the file was renamed to.

        A file that cannot be opened again refuses every record, as one on a disk that is gone.
        """
        self.path = path
        if self._file < 0:
            with contextlib.suppress(OSError):
                self._file = os.open(path, os.O_RDWR | BINARY)

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        file, self._file = self._file, -1  # before: Ctrl-C must leave no number of a closed file
        if file >= 0:
            os.close(file)


def read_journal(path: Path, *, skip_rows: int = 0) -> JournalRows:
    """Read the whole records of a journal.

    Parameters
    ----------
    path
        A journal, complete, cut, or being written.
    skip_rows
        Records to leave out at the start; they are not checked again.

    Raises
    ------
    RunUnreadable
        If the file cannot be read, or is long enough for a header and does not have one.
    FileNotFoundError
        If there is no such file.
    """
    with reading(path):
        columns, data, is_whole = _records(path, skip_rows, None)
        if not is_whole.all():
            # The last record may have been written anew just then, and another one after it.
            # The second time, all but the last are final.
            columns, data, is_whole = _records(path, skip_rows, len(is_whole))
    rows = np.frombuffer(data, _record_type(columns), count=len(is_whole))[is_whole]
    return JournalRows(
        columns=columns,
        place=np.flatnonzero(is_whole) + skip_rows,
        step=rows["step"].astype(np.int64),
        time=rows["time"].astype(np.int64),
        skipped=(rows["flags"] & SKIPPED) != 0,
        values=rows["values"].astype(np.float64, copy=True).reshape(len(rows), len(columns)),
    )


def last_rows(path: Path, n: int) -> JournalRows:
    """Read the last records of a journal, up to `n`; else as `read_journal`."""
    with reading(path), os.fdopen(open_plain(path, follow=True), "rb") as file:
        columns, length = _read_header(path, file)
        n_records = (os.fstat(file.fileno()).st_size - length) // _record_type(columns).itemsize
    return read_journal(path, skip_rows=max(n_records - n, 0))


def together(blocks: Sequence[JournalRows]) -> JournalRows:
    """Return the rows of several journals, one after the other; a column that one lacks is null."""
    if len(blocks) == 1:
        return blocks[0]
    columns = tuple(dict.fromkeys(name for block in blocks for name in block.columns))
    values = np.full((sum(map(len, blocks)), len(columns)), NULL)
    column = {name: i for i, name in enumerate(columns)}
    first = 0
    for block in blocks:
        held = [column[name] for name in block.columns]
        values[first : first + len(block), held] = block.values
        first += len(block)
    return JournalRows(
        columns=columns,
        place=np.concatenate([block.place for block in blocks]),
        step=np.concatenate([block.step for block in blocks]),
        time=np.concatenate([block.time for block in blocks]),
        skipped=np.concatenate([block.skipped for block in blocks]),
        values=values,
    )


def _records(
    path: Path, skip_rows: int, n_records: int | None
) -> tuple[tuple[str, ...], bytes, npt.NDArray[np.bool_]]:
    """Return the columns, the bytes of records, and which are whole, up to the last whole one."""
    with os.fdopen(open_plain(path, follow=True), "rb") as file:
        columns, length = _read_header(path, file)
        size = _record_type(columns).itemsize
        n_bytes = max(_CHUNK // size, 1) * size
        file.seek(length + skip_rows * size)
        data, found = b"", list[bool]()
        while True in (is_whole := _whole(chunk := file.read(n_bytes), size)):
            data += chunk
            found += is_whole
            if len(chunk) < n_bytes:
                break
    whole = np.flatnonzero(np.array(found[:n_records], bool))
    mask = np.zeros(whole[-1] + 1 if len(whole) else 0, bool)
    mask[whole] = True
    return columns, data, mask


def _record_type(columns: tuple[str, ...]) -> np.dtype[Any]:
    return np.dtype(
        [
            ("crc", "<u4"),
            ("flags", "<u4"),
            ("step", "<i8"),
            ("time", "<i8"),
            ("values", "<f8", (len(columns),)),
        ]
    )


def _header(first_row: int, columns: tuple[str, ...]) -> bytes:
    text = json.dumps({"first_row": first_row, "columns": list(columns)}).encode()
    text += b" " * (-(len(text) + _PREFIX.size) % 8)
    return _PREFIX.pack(_MAGIC, _PREFIX.size + len(text), zlib.crc32(text)) + text


def _read_header(path: Path, file: IO[bytes]) -> tuple[tuple[str, ...], int]:
    prefix = file.read(_PREFIX.size)
    if len(prefix) < _PREFIX.size and _MAGIC.startswith(prefix[: len(_MAGIC)]):
        return (), len(prefix)  # the writer was killed within the header: no rows yet
    if prefix[: len(_MAGIC)] != _MAGIC:
        raise RunUnreadable(f"{path.name} is not a journal of lrwatch: it begins with {prefix!r}")
    _, length, checksum = _PREFIX.unpack(prefix)
    text = file.read(max(0, min(length, _LONGEST_HEADER) - _PREFIX.size))
    if length <= _LONGEST_HEADER and len(text) < length - _PREFIX.size:
        return (), length
    if length > _LONGEST_HEADER or zlib.crc32(text) != checksum:
        raise RunUnreadable(f"{path.name} has a damaged header, so its rows cannot be read")
    columns = tuple(json.loads(text)["columns"])
    is_named = all(isinstance(name, str) for name in columns)
    if not is_named or len({*columns, "step", "time", "skipped"}) != len(columns) + 3:
        raise RunUnreadable(f"{path.name} has columns that no writer writes")
    return columns, length


def _whole(data: bytes, size: int) -> list[bool]:
    """Tell which records are whole and pass their checksum; a cut one at the end is left out."""
    view = memoryview(data)
    return [
        int.from_bytes(view[at : at + 4], "little") == zlib.crc32(view[at + 4 : at + size])
        for at in range(0, len(data) - size + 1, size)
    ]


def _write_all(file: int, data: bytes | bytearray, offset: int) -> None:
    written = write_at(file, data, offset)
    while written < len(data):  # a disk that just got full, or a signal
        written += write_at(file, memoryview(data)[written:], offset + written)
