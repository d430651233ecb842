"""Rows of a run by their numbers, without those that are lost between them.

A part has all rows that its name says, so whoever writes parts takes rows from here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa

from lrwatch.errors import RunUnreadable
from lrwatch.store.journal import JournalRows, read_journal
from lrwatch.store.layout import Extent, extents
from lrwatch.store.parts import arrow_table, read_part

__all__ = ["RowRange", "UnbrokenRows", "count_rows", "next_rows", "unbroken"]

_LISTINGS: Final = 32


@dataclass(frozen=True, slots=True)
class UnbrokenRows:
    """Rows `first` up to, not including, `stop`, from one journal."""

    first: int
    stop: int
    content: JournalRows


@dataclass(frozen=True, slots=True)
class RowRange:
    """Rows `first` up to, not including, `stop` of a run; `is_last` if none is known after them."""

    first: int
    stop: int
    table: pa.Table
    is_last: bool


def unbroken(journal: Extent, begin: int, stop: int | None) -> Iterator[UnbrokenRows]:
    """Yield the rows of a journal from `begin` on, without those that are lost between them."""
    if stop is not None and begin >= stop:
        return
    rows = read_journal(journal.path, skip_rows=begin - journal.base)
    if stop is not None:
        rows = rows.before(stop - journal.base)
    # A part has all rows that its name says, so it ends where a damaged record was.
    edges = [0, *(np.flatnonzero(np.diff(rows.place) > 1) + 1).tolist(), len(rows)]
    for some in (rows[i:k] for i, k in pairwise(edges) if i < k):
        first, last = (journal.base + int(some.place[i]) for i in (0, -1))
        yield UnbrokenRows(first, last + 1, some)


def next_rows(run: Path, first: int, most: int) -> RowRange | None:
    """Return the rows from number `first` on, at most so many, up to one that is lost.

    Parameters
    ----------
    run
        Folder of a run, also while it is written.
    first
        Number of the first row that is wanted; if it is lost, the one after it.
    most
        Rows to return at most.

    Returns
    -------
    RowRange, or ``None`` if there is no such row yet.

    Raises
    ------
    RunUnreadable
        If a file is damaged.
    """
    for left in reversed(range(_LISTINGS)):
        try:
            return _next_rows(run, first, most)
        except FileNotFoundError as error:  # merged meanwhile: list them anew
            if not left:
                raise RunUnreadable(f"{Path(error.filename or '').name} is gone") from error
    return None


def _next_rows(run: Path, first: int, most: int) -> RowRange | None:
    tables: list[pa.Table] = []
    begin, stop = first, first
    for some_first, some_stop, table in _tables(run, first, most):
        if tables and (some_first != stop or stop - begin >= most):
            return _range(begin, stop, tables, most, is_last=False)
        if not tables:
            begin = some_first
        tables.append(table)
        stop = some_stop
    return _range(begin, stop, tables, most, is_last=True) if tables else None


def _range(begin: int, stop: int, tables: list[pa.Table], most: int, *, is_last: bool) -> RowRange:
    table = tables[0] if len(tables) == 1 else pa.concat_tables(tables, promote_options="default")
    cut = min(stop, begin + most)
    return RowRange(begin, cut, table.slice(0, cut - begin), is_last and cut == stop)


def _tables(run: Path, first: int, most: int) -> Iterator[tuple[int, int, pa.Table]]:
    """Yield tables of rows without a gap, and the numbers of their rows; one row more than asked.

    By that one it is known whether there are more.
    """
    for extent in extents(run):
        begin = max(first, extent.first)
        if extent.stop is not None and extent.stop <= begin:
            continue
        if extent.is_part:
            stop = min(extent.stop or 0, begin + most + 1)
            yield begin, stop, read_part(extent, first=begin, stop=stop)
            continue
        for rows in unbroken(extent, begin, extent.stop):
            some = rows.content[: most + 1]
            yield rows.first, rows.first + len(some), arrow_table(some)


def count_rows(run: Path) -> int:
    """Return the number of the row after the last, lost ones among them.

    Raises
    ------
    RunUnreadable
        If the beginning of a journal is damaged.
    """
    stop = 0
    for extent in extents(run):
        if extent.stop is not None:
            stop = max(stop, extent.stop)
        else:
            place = read_journal(extent.path).place
            stop = max(stop, extent.base + int(place[-1]) + 1 if len(place) else 0)
    return stop
