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

from lrwatch.errors import LrwatchError, RunUnreadable
from lrwatch.store.journal import JournalRows, read_journal
from lrwatch.store.layout import Extent, extents
from lrwatch.store.parts import arrow_table, read_part

__all__ = ["RowRange", "UnbrokenRows", "end_of_rows", "next_rows", "unbroken"]

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
    first
        Number of the first row that is wanted; if it is lost, the one after it.

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
    begin, stop, is_last = first, first, True
    for some_first, some_stop, table in _tables(run, first, most):
        if tables and (some_first != stop or stop - begin >= most):
            is_last = False
            break
        if not tables:
            begin = some_first
        tables.append(table)
        stop = some_stop
    if not tables:
        return None
    cut = min(stop, begin + most)
    table = pa.concat_tables(tables, promote_options="default").slice(0, cut - begin)
    return RowRange(begin, cut, table, is_last and cut == stop)


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


def end_of_rows(run: Path) -> tuple[int, int]:
    """Return the number of the row after the last, and the last one's step (-1 without rows).

    Those that are lost count.
    """
    n_rows, last_step = 0, -1
    for extent in extents(run):
        try:
            if extent.is_part:
                last = read_part(extent, first=(extent.stop or 0) - 1, columns=["step"])
                steps = last["step"].to_numpy()
            else:
                rows = read_journal(extent.path)
                steps = rows.step
                n_rows = max(n_rows, extent.base + int(rows.place[-1]) + 1 if len(rows) else 0)
            last_step = int(steps[-1]) if len(steps) else last_step
        except LrwatchError:  # its rows are lost, and their numbers and steps are taken
            last_step += (extent.stop or extent.first) - extent.first
        n_rows = max(n_rows, extent.stop or extent.first)
    return n_rows, last_step
