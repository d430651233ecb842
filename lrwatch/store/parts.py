"""Parquet parts: how rows become immutable files, and how files are merged.

Arrow arrays are made from numpy buffers: `pyarrow.array` would import pandas into the
training process, half a second of it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from lrwatch.records import is_null
from lrwatch.store.journal import JournalRows
from lrwatch.store.layout import Extent

__all__ = ["TIME", "arrow_table", "merge_parts", "read_part", "write_part"]

TIME = pa.timestamp("us", tz="UTC")

_ROW_GROUP_ROWS = 131_072


def arrow_table(rows: JournalRows) -> pa.Table:
    """Return the rows as an Arrow table, with nulls where nothing was recorded."""
    columns = {
        "step": _array(pa.int64(), rows.step),
        "time": _array(TIME, rows.time),
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
    # The leading dot keeps every reader of a folder of Parquet files away from it.
    aside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with pq.ParquetWriter(aside, schema, **_encoding(schema)) as writer:
            for table in tables:
                writer.write_table(table, row_group_size=_ROW_GROUP_ROWS)
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        aside.replace(path)
    except BaseException:
        aside.unlink(missing_ok=True)
        raise


def merge_parts(path: Path, held: Sequence[Extent]) -> None:
    """Write the rows of several parts into one; columns that a part lacks are null there."""
    schema = pa.unify_schemas([pq.read_schema(extent.path) for extent in held])
    write_part(path, (_widened(read_part(extent), schema) for extent in held), schema)


def read_part(
    extent: Extent, *, first: int | None = None, columns: Sequence[str] | None = None
) -> pa.Table:
    """Read the rows of a part that count.

    Parameters
    ----------
    extent
        A part and the rows of it that are wanted.
    first
        Number of the first row that is wanted; row groups before it are not read.
    columns
        Names to read; those that the part does not have are left out.
    """
    begin = max(extent.first, first or 0) - extent.base
    stop = (extent.stop or 0) - extent.base
    # Opened here, since pyarrow takes a path for a URI and only as UTF-8.
    with extent.path.open("rb") as opened, pq.ParquetFile(opened) as file:
        names = file.schema_arrow.names
        wanted = names if columns is None else [name for name in columns if name in names]
        if begin == 0 and stop >= file.metadata.num_rows:
            return file.read(columns=wanted)
        groups, before = _row_groups(file, begin, stop)
        table = file.read_row_groups(groups, columns=wanted)
    return table.slice(begin - before, max(0, stop - begin))


def _row_groups(file: pq.ParquetFile, begin: int, stop: int) -> tuple[list[int], int]:
    """Return the row groups that hold rows `begin` to `stop`, and the row the first starts at."""
    groups: list[int] = []
    at, before = 0, begin
    for i in range(file.metadata.num_row_groups):
        n_rows = file.metadata.row_group(i).num_rows
        if at < stop and at + n_rows > begin:
            if not groups:
                before = at
            groups.append(i)
        at += n_rows
    return groups, before


def _array(
    kind: pa.DataType, values: npt.NDArray[np.generic], null: npt.NDArray[np.bool_] | None = None
) -> pa.Array:
    mask = None
    if null is not None and null.any():
        mask = pa.py_buffer(np.packbits(~null, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [mask, pa.py_buffer(values)])


def _widened(table: pa.Table, schema: pa.Schema) -> pa.Table:
    for field in schema:
        if field.name not in table.column_names:
            table = table.append_column(field, pa.nulls(table.num_rows, field.type))
    return table.select(schema.names)


def _encoding(schema: pa.Schema) -> dict[str, object]:
    """Choose the encoding by what a column holds.

    Numbers of a training come from float32 arithmetic or a smooth schedule, and neighbours
    are close: split into byte planes, zstd brings a loss to about four bytes and a constant
    learning rate to none. Steps and times grow evenly.
    """
    encoding = {
        field.name: "BYTE_STREAM_SPLIT" if field.type == pa.float64() else "DELTA_BINARY_PACKED"
        for field in schema
        if field.type in (pa.float64(), pa.int64(), TIME)
    }
    return {
        "compression": "zstd",
        "compression_level": 3,
        "use_dictionary": False,
        "column_encoding": encoding,
    }
