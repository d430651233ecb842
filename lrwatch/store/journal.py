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

Record ``i`` is row ``first_row + i`` of the run. Readers take records up to the first that is
cut or fails its checksum, so every prefix of a journal reads as a prefix of the rows.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from lrwatch.errors import RunUnreadable
from lrwatch.records import FloatArray

__all__ = ["SKIPPED", "JournalRows", "JournalWriter", "read_journal"]

_MAGIC = b"LRWJRNL1"
_PREFIX = struct.Struct("<8sII")
SKIPPED = 1
"""Flag of a row whose optimizer step was skipped."""


@dataclass(frozen=True, slots=True)
class JournalRows:
    """Rows read from a journal, as numpy columns of shape ``(n_rows,)``.

    `values` has shape ``(n_rows, n_columns)``, with `lrwatch.records.NULL` for "not recorded".
    """

    columns: tuple[str, ...]
    step: npt.NDArray[np.int64]
    time: npt.NDArray[np.int64]
    skipped: npt.NDArray[np.bool_]
    values: FloatArray

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.step)


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

    Raises
    ------
    OSError
        If the file cannot be created, or exists.
    """

    def __init__(self, path: Path, first_row: int, columns: Sequence[str]) -> None:
        self.path = path
        self.first_row = first_row
        self.columns = tuple(columns)
        self._body = struct.Struct(f"<Iqq{len(columns)}d")
        self.record_size = 4 + self._body.size
        self._buffer = bytearray(self.record_size)
        self._after_checksum = memoryview(self._buffer)[4:]
        header = _header(first_row, self.columns)
        # O_EXCL: two writers that believe to own a run must not share a file.
        self._file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o644)
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
        if os.pwrite(self._file, record, self._offset) != self.record_size:
            _write_all(self._file, record, self._offset)
        self._offset += self.record_size

    def replace_last(self, record: bytes | bytearray) -> None:
        """Write one record over the last one.

        Raises
        ------
        OSError
            If it could not be written whole; the last row may then be lost to readers.
        """
        _write_all(self._file, record, self._offset - self.record_size)

    def rename(self, path: Path) -> None:
        """Give the file another name; one that is there is replaced."""
        self.path.replace(path)
        self.path = path

    def move_to(self, path: Path) -> None:
        """Go on in a new file that has all records so far, as when the old one was deleted.

        Raises
        ------
        OSError
            If it cannot be written; the old file, deleted or not, then goes on.
        """
        content = os.pread(self._file, self._offset, 0)
        file = os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_CLOEXEC, 0o644)
        try:
            _write_all(file, content, 0)
        except OSError:
            os.close(file)
            path.unlink(missing_ok=True)
            raise
        os.close(self._file)
        self._file, self.path = file, path

    def close(self) -> None:
        """Close the file; closing twice does nothing."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


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
        If the file is long enough for a header and does not have one.
    FileNotFoundError
        If there is no such file.
    """
    with path.open("rb") as file:
        prefix = file.read(_PREFIX.size)
        columns, length = _read_header(path, prefix, file)
        dtype = np.dtype(
            [
                ("crc", "<u4"),
                ("flags", "<u4"),
                ("step", "<i8"),
                ("time", "<i8"),
                ("values", "<f8", (len(columns),)),
            ]
        )
        file.seek(length + skip_rows * dtype.itemsize)
        data = file.read()
    rows = np.frombuffer(data, dtype=dtype, count=_n_whole(data, dtype.itemsize))
    return JournalRows(
        columns=columns,
        step=rows["step"].astype(np.int64),
        time=rows["time"].astype(np.int64),
        skipped=(rows["flags"] & SKIPPED) != 0,
        values=rows["values"].astype(np.float64, copy=True).reshape(len(rows), len(columns)),
    )


def _header(first_row: int, columns: tuple[str, ...]) -> bytes:
    text = json.dumps({"first_row": first_row, "columns": list(columns)}).encode()
    text += b" " * (-(len(text) + _PREFIX.size) % 8)
    return _PREFIX.pack(_MAGIC, _PREFIX.size + len(text), zlib.crc32(text)) + text


def _read_header(path: Path, prefix: bytes, file: Any) -> tuple[tuple[str, ...], int]:
    if len(prefix) < _PREFIX.size:
        if not _MAGIC.startswith(prefix[: len(_MAGIC)]):
            raise RunUnreadable(f"{path.name} is not a journal of lrwatch")
        return (), len(prefix)  # the writer was killed within the header: no rows yet
    magic, length, checksum = _PREFIX.unpack(prefix)
    if magic != _MAGIC:
        raise RunUnreadable(f"{path.name} is not a journal of lrwatch: it begins with {magic!r}")
    text = file.read(max(0, length - _PREFIX.size))
    if len(text) < length - _PREFIX.size:
        return (), length
    if zlib.crc32(text) != checksum:
        raise RunUnreadable(f"{path.name} has a damaged header, so its rows cannot be read")
    return tuple(json.loads(text)["columns"]), length


def _n_whole(data: bytes, size: int) -> int:
    """Count the records up to the first that is cut or fails its checksum."""
    view = memoryview(data)
    for i in range(len(data) // size):
        at = i * size
        if int.from_bytes(view[at : at + 4], "little") != zlib.crc32(view[at + 4 : at + size]):
            return i
    return len(data) // size


def _write_all(file: int, data: bytes | bytearray, offset: int) -> None:
    written = os.pwrite(file, data, offset)
    while written < len(data):  # a disk that just got full, or a signal
        written += os.pwrite(file, memoryview(data)[written:], offset + written)
