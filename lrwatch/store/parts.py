"""Parquet parts: how rows become immutable files, and how files are merged.

A part carries a checksum of all its other bytes between its pages and its footer, where readers
of Parquet, who go by offsets from the footer, see nothing. Its pages have their own, for them.

Arrow arrays are made from numpy buffers: `pyarrow.array` would import pandas into the
training process, half a second of it.
"""

from __future__ import annotations

import contextlib
import os
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from lrwatch.plain_files import open_plain, replacing
from lrwatch.records import FLOAT_COLUMNS, is_null
from lrwatch.store.faults import reading
from lrwatch.store.journal import JournalRows
from lrwatch.store.layout import Extent

__all__ = [
    "SCHEMA", "arrow_table", "merge_parts", "part_tables", "read_part", "widened", "write_part",
]  # fmt: skip

_TIME = pa.timestamp("us", tz="UTC")

SCHEMA = pa.schema(
    [("step", pa.int64()), ("time", _TIME)]
    + [(name, pa.float64()) for name in FLOAT_COLUMNS]
    + [("skipped", pa.bool_())]
)
"""The columns that every run has; all others hold float64."""

_ROW_GROUP_ROWS = 131_072
_SEAL: Final = struct.Struct("<8sI")
_SEAL_MAGIC: Final = b"LRWSEAL1"
_LARGE_BYTES: Final = 2**20
_MOST_KNOWN: Final = 1000
_WHOLE: Final[set[tuple[int, ...]]] = set()  # large files whose checksum was right
_LONGEST_FOOTER: Final = 2**26
_TAIL: Final = struct.Struct("<I4s")  # of a Parquet file: the footer's length, and "PAR1"


def arrow_table(rows: JournalRows) -> pa.Table:
    """Return the rows as an Arrow table, with nulls where nothing was recorded."""
    columns = {
        "step": _array(pa.int64(), rows.step),
        "time": _array(_TIME, rows.time),
    }
    for i, name in enumerate(rows.columns):
        values = np.ascontiguousarray(rows.values[:, i])
        columns[name] = _array(pa.float64(), values, is_null(values))
    skipped = np.packbits(rows.skipped, bitorder="little")
    columns["skipped"] = pa.Array.from_buffers(pa.bool_(), len(rows), [None, pa.py_buffer(skipped)])
    return pa.Table.from_arrays(list(columns.values()), names=list(columns))


def write_part(path: Path, tables: Iterator[pa.Table], schema: pa.Schema) -> None:
    """Write tables into one Parquet file: aside first, then renamed, so never half read.

    Raises
    ------
    OSError
        If it cannot be written; nothing is left behind then.
    """
    path.parent.mkdir(exist_ok=True)
    with replacing(path) as aside:
        with pq.ParquetWriter(aside, schema, **_encoding(schema)) as writer:
            for table in tables:
                writer.write_table(table, row_group_size=_ROW_GROUP_ROWS)
        with aside.open("r+b") as file:
            _seal(file)
            file.flush()
            os.fsync(file.fileno())


def merge_parts(path: Path, held: Sequence[Extent]) -> None:
    """Write the rows of several parts into one; columns that a part lacks are null there."""
    schema = pa.unify_schemas([_schema(extent.path) for extent in held])
    write_part(path, (widened(read_part(extent), schema) for extent in held), schema)


def read_part(
    extent: Extent,
    *,
    first: int | None = None,
    stop: int | None = None,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """Read the rows of a part that count, as `part_tables` does, at once."""
    return pa.concat_tables(part_tables(extent, first=first, stop=stop, columns=columns))


def part_tables(
    extent: Extent,
    *,
    first: int | None = None,
    stop: int | None = None,
    columns: Sequence[str] | None = None,
    within: tuple[float, float] | None = None,
) -> Iterator[pa.Table]:
    """Read the rows of a part that count, a row group after the other; one table at least.

    Parameters
    ----------
    extent
        A part and the rows of it that are wanted.
    first
        Number of the first row that is wanted; row groups before it are not read.
    stop
        Number of the row after the last that is wanted; row groups after it are not read.
    columns
        Names to read; those that the part does not have are left out.
    within
        Steps that are wanted; row groups that have none of them are not read.

    Raises
    ------
    RunUnreadable
        If the part is damaged, or holds what no writer writes.
    FileNotFoundError
        If it is gone.
    """
    begin = max(extent.first, first or 0) - extent.base
    n_rows = (extent.stop or 0) - extent.base
    end = n_rows if stop is None else min(n_rows, stop - extent.base)
    # Opened here, since pyarrow takes a path for a URI and only as UTF-8.
    with reading(extent.path), _opened(extent.path) as file:
        _check(file, n_rows)
        names = file.schema_arrow.names
        wanted = names if columns is None else [name for name in columns if name in names]
        yield file.read_row_groups([], columns=wanted)
        for group, at, n_held in _row_groups(file, begin, end):
            if within is not None and not _has_steps(file, group, within):
                continue
            table = file.read_row_group(group, columns=wanted)
            if "step" in wanted and table["step"].null_count:
                raise ValueError("a row has no step")
            before = max(begin - at, 0)
            yield table.slice(before, min(end - at, n_held) - before)


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[pq.ParquetFile]:
    """Open a part whose bytes are as they were written."""
    with os.fdopen(open_plain(path, follow=True), "rb") as opened:
        is_sealed = _check_seal(opened)  # with which the pages need no second look
        with pq.ParquetFile(opened, page_checksum_verification=not is_sealed) as file:
            yield file


def _schema(path: Path) -> pa.Schema:
    with reading(path), path.open("rb") as opened:
        return pq.read_schema(opened)


def _check(file: pq.ParquetFile, n_rows: int) -> None:
    """Check that a part is such as a writer writes, for at most so many rows."""
    schema = file.schema_arrow
    for field in schema:
        expected = SCHEMA.field(field.name).type if field.name in SCHEMA.names else pa.float64()
        if field.type != expected:
            raise TypeError(f"column {field.name} is {field.type}, expected {expected}")
    if "step" not in schema.names or len({*schema.names}) < len(schema.names):
        raise ValueError("it has no column step, or one column twice")
    if file.metadata.num_rows > n_rows:
        raise ValueError(f"it has {file.metadata.num_rows} rows, its name says {n_rows}")


def _seal(file: IO[bytes]) -> None:
    """Write the checksum between the pages and the footer of a Parquet file."""
    at, footer = _footer(file)
    checksum = zlib.crc32(footer, _checksum(file, at))
    file.seek(at)
    file.write(_SEAL.pack(_SEAL_MAGIC, checksum) + footer)


def _check_seal(file: IO[bytes]) -> bool:
    """Compare the checksum; return whether there is one: parts of earlier versions have none.

    A large file that was whole is not gone through again as long as it is the same: its columns
    are read a few at a time, and it may be a hundred times as large as those.
    """
    seen = os.fstat(file.fileno())
    mark = (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
    if mark in _WHOLE:
        return True
    at, footer = _footer(file)
    file.seek(at - _SEAL.size)
    magic, checksum = _SEAL.unpack(file.read(_SEAL.size))
    is_sealed = bool(magic == _SEAL_MAGIC)
    if is_sealed and checksum != zlib.crc32(footer, _checksum(file, at - _SEAL.size)):
        raise ValueError("its checksum is wrong")
    if is_sealed and seen.st_size >= _LARGE_BYTES:
        if len(_WHOLE) >= _MOST_KNOWN:
            _WHOLE.clear()
        _WHOLE.add(mark)
    file.seek(0)
    return is_sealed


def _footer(file: IO[bytes]) -> tuple[int, bytes]:
    """Return where the footer begins, and it, up to the end of the file."""
    file.seek(-_TAIL.size, os.SEEK_END)
    length, magic = _TAIL.unpack(file.read())
    size = file.tell()
    at = size - _TAIL.size - length
    if magic != b"PAR1" or at < _SEAL.size or length > _LONGEST_FOOTER:
        raise ValueError("it is not a Parquet file")
    file.seek(at)
    return at, file.read()


def _checksum(file: IO[bytes], stop: int) -> int:
    file.seek(0)
    checksum = 0
    while stop > 0 and (chunk := file.read(min(stop, 2**20))):
        checksum, stop = zlib.crc32(chunk, checksum), stop - len(chunk)
    return checksum


def _row_groups(file: pq.ParquetFile, begin: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """Return the row groups that hold rows `begin` to `stop`: number, first row, rows."""
    at = 0
    for group in range(file.metadata.num_row_groups):
        n_rows = file.metadata.row_group(group).num_rows
        if at < stop and at + n_rows > begin:
            yield group, at, n_rows
        at += n_rows


def _has_steps(file: pq.ParquetFile, group: int, within: tuple[float, float]) -> bool:
    """Return whether a row group may hold some of these steps."""
    column = file.schema_arrow.names.index("step")  # of flat columns, each one is a leaf
    known = file.metadata.row_group(group).column(column).statistics
    if known is None or not known.has_min_max:
        return True
    return bool(within[0] <= known.max and known.min <= within[1])


def _array(
    kind: pa.DataType, values: npt.NDArray[np.generic], null: npt.NDArray[np.bool_] | None = None
) -> pa.Array:
    mask = None
    if null is not None and null.any():
        mask = pa.py_buffer(np.packbits(~null, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [mask, pa.py_buffer(values)])


def widened(table: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a table with the columns of a schema; those that it lacks are null."""
    held = set(table.column_names)
    columns = [
        table.column(field.name) if field.name in held else pa.nulls(len(table), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _encoding(schema: pa.Schema) -> dict[str, object]:
    """Choose the encoding by what a column holds.

    Numbers of a training come from float32 arithmetic or a smooth schedule, and neighbours
    are close: split into byte planes, zstd brings a loss to about four bytes and a constant
    learning rate to none. Steps and times grow evenly.
    """
    encoding = {
        field.name: "BYTE_STREAM_SPLIT" if field.type == pa.float64() else "DELTA_BINARY_PACKED"
        for field in schema
        if field.type in (pa.float64(), pa.int64(), _TIME)
    }
    return {
        "compression": "zstd",
        "compression_level": 3,
        "use_dictionary": False,
        "write_page_checksum": True,
        "column_encoding": encoding,
    }
