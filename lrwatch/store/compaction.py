"""Turn closed journals into Parquet parts, and several parts into one.

Each operation writes the new file first and removes the old ones after it is in place; see
`lrwatch.store.layout` for why a crash in between neither doubles nor loses a row.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

from lrwatch.store.journal import read_journal
from lrwatch.store.layout import STEPS, Extent, extents, journals, part_path, parts
from lrwatch.store.parts import arrow_table, merge_parts, write_part

__all__ = ["compact_all", "compact_closed", "merge_all", "merge_similar"]


def compact_closed(run: Path) -> None:
    """Turn every journal but the last, which may be open, into a part.

    Raises
    ------
    OSError
        If a part cannot be written; the journal then stays.
    RunUnreadable
        If a journal's header is damaged; it stays.
    """
    for journal, following in pairwise(journals(run)):
        _compact(run, journal, following.first)


def compact_all(run: Path) -> None:
    """Turn every journal of a run that nobody writes into a part; raises as `compact_closed`."""
    compact_closed(run)
    for journal in journals(run):
        _compact(run, journal, None)


def merge_similar(run: Path) -> None:
    """Merge the last parts while they are of similar size.

    Sizes then fall by half from part to part, so a run of n parts' worth of rows has about
    log2(n) files, and each row was copied about as often.
    """
    held = parts(run)
    while len(held) > 1 and _n_rows(held[-2]) < 2 * _n_rows(held[-1]):
        _merge(run, held[-2:])
        held = parts(run)


def merge_all(run: Path) -> None:
    """Merge all parts of a run into one file."""
    held = parts(run)
    if len(held) > 1:
        _merge(run, held)
    _remove_merged(run)


def _n_rows(extent: Extent) -> int:
    return (extent.stop or extent.first) - extent.first


def _compact(run: Path, journal: Extent, stop: int | None) -> None:
    covered = max((part.stop or 0 for part in parts(run)), default=0)
    begin = max(journal.first, covered)
    if stop is None or begin < stop:
        rows = read_journal(journal.path, skip_rows=begin - journal.first)
        table = arrow_table(rows)
        if stop is not None:
            table = table.slice(0, stop - begin)
        if table.num_rows:
            end = begin + table.num_rows
            write_part(part_path(run, begin, end), iter([table]), table.schema)
    journal.path.unlink(missing_ok=True)


def _merge(run: Path, held: list[Extent]) -> None:
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
