"""Turn closed journals into Parquet parts, and several parts into one.

Each operation writes the new file first and removes the old ones after it is in place; see
`lrwatch.store.layout` for why a crash in between neither doubles nor loses a row.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from lrwatch.store.journal import together
from lrwatch.store.layout import STEPS, Extent, extents, journals, part_path, parts
from lrwatch.store.parts import arrow_table, merge_parts, write_part
from lrwatch.store.rows import UnbrokenRows, unbroken
from lrwatch.system import remove

__all__ = ["compact_all", "compact_closed", "merge_all", "merge_similar"]

_ENOUGH = 16_384
"""Rows of a part to which those of no further journal are added."""


def compact_closed(run: Path) -> None:
    """Turn every journal but the last, which may be open, into parts.

    Short ones that follow each other become one part: a new column begins a new journal, and a
    part for each would take time and space by the square of the number of columns.

    Raises
    ------
    OSError
        If a part cannot be written; the journal then stays.
    RunUnreadable
        If a journal is damaged at its beginning; it stays, as do those after it.
    """
    _compact(run, [(journal, following.first) for journal, following in pairwise(journals(run))])


def compact_all(run: Path) -> None:
    """Turn every journal of a run that nobody writes into parts; raises as `compact_closed`."""
    _compact(run, [(journal, journal.stop) for journal in journals(run)])


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
    _remove_left_behind(run)


def _n_rows(extent: Extent) -> int:
    return (extent.stop or extent.first) - extent.first


def _compact(run: Path, held: Sequence[tuple[Extent, int | None]]) -> None:
    """Turn journals, each up to a row or to its end, into parts."""
    covered = max((part.stop or 0 for part in parts(run)), default=0)
    waiting: list[UnbrokenRows] = []
    done: list[Extent] = []
    try:
        for journal, stop in held:
            for rows in unbroken(journal, max(journal.first, covered), stop):
                if waiting and (
                    waiting[-1].stop != rows.first or rows.first - waiting[0].first >= _ENOUGH
                ):
                    _write(run, waiting, done)
                waiting.append(rows)
            done.append(journal)
    finally:  # those before one that is damaged
        _write(run, waiting, done)


def _write(run: Path, waiting: list[UnbrokenRows], done: list[Extent]) -> None:
    """Write rows that follow each other as one part, then remove the journals they are from."""
    if waiting:
        # As one table from the start: of as many journals as columns, one each would be slow.
        table = arrow_table(together([rows.content for rows in waiting]))
        write_part(part_path(run, waiting[0].first, waiting[-1].stop), iter([table]), table.schema)
        waiting.clear()
    for journal in done:
        remove(journal.path)
    done.clear()


def _merge(run: Path, held: Sequence[Extent]) -> None:
    if not held[1:]:
        return
    merged = part_path(run, held[0].first, held[-1].stop or 0)
    merge_parts(merged, held)
    for extent in held:
        if extent.path != merged:
            remove(extent.path)


def _remove_left_behind(run: Path) -> None:
    """Remove what a crash left: parts within another's range, and files that were half written."""
    for path in (run / STEPS).glob(".*.tmp"):
        remove(path)
    counted = {extent.path for extent in extents(run)}
    for path in (run / STEPS).glob("part-*.parquet"):
        if path not in counted:
            remove(path)
