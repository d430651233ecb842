"""Turn closed journals into Parquet parts, and several parts into one.

Each operation writes the new file first and removes the old ones after it is in place; see
`lrwatch.store.layout` for why a crash in between neither doubles nor loses a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from lrwatch.store.journal import read_journal
from lrwatch.store.layout import STEPS, Extent, extents, journals, part_path, parts
from lrwatch.store.parts import arrow_table, merge_parts, write_part

__all__ = ["compact_all", "compact_closed", "merge_all", "merge_similar"]


def compact_closed(run: Path) -> None:
    """Turn every journal but the last, which may be open, into parts.

    Raises
    ------
    OSError
        If a part cannot be written; the journal then stays.
    RunUnreadable
        If a journal is damaged at its beginning; it stays, as do those after it.
    """
    for journal, following in pairwise(journals(run)):
        _compact(run, journal, following.first)


def compact_all(run: Path) -> None:
    """Turn every journal of a run that nobody writes into parts; raises as `compact_closed`."""
    for journal in journals(run):
        _compact(run, journal, journal.stop)


def merge_similar(run: Path) -> None:
    """Merge the last parts while they are of similar size.

    Sizes then fall by half from part to part, so a run of n parts' worth of rows has about
    log2(n) files, and each row was copied about as often.
    """
    while len(held := parts(run)) > 1:
        first, second = held[-2:]
        if first.stop != second.first or _n_rows(first) >= 2 * _n_rows(second):
            return
        _merge(run, [first, second])


def merge_all(run: Path) -> None:
    """Merge the parts of a run into one file, or one on each side of a row that is lost."""
    together: list[Extent] = []
    for part in parts(run):
        if together and together[-1].stop != part.first:
            _merge(run, together)
            together = []
        together.append(part)
    _merge(run, together)
    _remove_merged(run)


def _n_rows(extent: Extent) -> int:
    return (extent.stop or extent.first) - extent.first


def _compact(run: Path, journal: Extent, stop: int | None) -> None:
    covered = max((part.stop or 0 for part in parts(run)), default=0)
    begin = max(journal.first, covered)
    if stop is None or begin < stop:
        rows = read_journal(journal.path, skip_rows=begin - journal.first)
        if stop is not None:
            rows = rows.before(stop - journal.first)
        # A part has all rows that its name says, so it ends where a damaged record was.
        edges = [0, *(np.flatnonzero(np.diff(rows.place) > 1) + 1).tolist(), len(rows)]
        for some in (rows[i:k] for i, k in pairwise(edges) if i < k):
            first, last = (journal.first + int(some.place[i]) for i in (0, -1))
            table = arrow_table(some)
            write_part(part_path(run, first, last + 1), iter([table]), table.schema)
    journal.path.unlink(missing_ok=True)


def _merge(run: Path, held: Sequence[Extent]) -> None:
    if not held[1:]:
        return
    merged = part_path(run, held[0].first, held[-1].stop or 0)
    merge_parts(merged, held)
    for extent in held:
        if extent.path != merged:
            extent.path.unlink(missing_ok=True)


def _remove_merged(run: Path) -> None:
    """Remove parts within another's range, which a crash between two operations left behind."""
    counted = {extent.path for extent in extents(run)}
    for path in (run / STEPS).glob("part-*.parquet"):
        if path not in counted:
            path.unlink(missing_ok=True)
