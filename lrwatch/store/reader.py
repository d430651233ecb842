"""Read a run: its parts, then its journals, as one series of rows.

Readers take no locks. While a run is written, a journal may become a part and parts may be
merged between listing a file and opening it; then the folder is listed again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from lrwatch.errors import RunNotFound, RunUnreadable
from lrwatch.records import FLOAT_COLUMNS, RunInfo, StepBlock, superseded
from lrwatch.store.journal import JournalRows, read_journal
from lrwatch.store.layout import Extent, extents, is_run
from lrwatch.store.parts import TIME, arrow_table, read_part
from lrwatch.store.run_info import read_run_info
from lrwatch.tables import step_block

if TYPE_CHECKING:
    import os

    import pandas as pd

__all__ = ["RunReader", "read", "read_table"]

T = TypeVar("T")

_LISTINGS = 8
"""How often a folder is listed anew when files vanish while they are read."""

_EMPTY = pa.schema(
    [("step", pa.int64()), ("time", TIME)]
    + [(name, pa.float64()) for name in FLOAT_COLUMNS]
    + [("skipped", pa.bool_())]
)


def read(path: str | os.PathLike[str], *, raw: bool = False) -> pd.DataFrame:
    """Read a run as a frame with one row an optimizer step, also while it is being written.

    Parameters
    ----------
    path
        Folder of a run.
    raw
        Keep the rows that a resumed run wrote again; by default the last writing of a step
        counts.

    Returns
    -------
    pandas.DataFrame
        Columns ``step`` (int64), ``time`` (UTC, microseconds), ``loss``, ``lr``,
        ``grad_norm``, ``grad_norm_clipped``, ``param_norm``, ``update_norm`` (float64, NaN
        where nothing was recorded), ``skipped`` (bool), then those by parameter group and
        those that the user logged.

    Raises
    ------
    RunNotFound
        If there is no run at `path`.
    RunUnreadable
        If a file of the run cannot be read, or is of a later format.
    """
    frame: pd.DataFrame = read_table(path, raw=raw).to_pandas()
    return frame


def read_table(path: str | os.PathLike[str], *, raw: bool = False) -> pa.Table:
    """Read a run as `read` does, into an Arrow table, which keeps null and NaN apart."""
    run = _run_folder(path)
    read_run_info(run)
    table = _retrying(lambda: _read_from(run, 0)[0])
    if raw:
        return table
    again = superseded(table["step"].to_numpy())
    return table.filter(~again) if again.any() else table


class RunReader:
    """Follows one run: each call of `read_new` costs what the new rows cost.

    Parameters
    ----------
    path
        Folder of a run.

    Raises
    ------
    RunNotFound
        If there is no run at `path`.
    RunUnreadable
        If its ``run.json`` is damaged or of a later format.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = _run_folder(path)
        self.info: RunInfo = read_run_info(self.path)
        self._next_row = 0

    def refresh_info(self) -> RunInfo:
        """Read ``run.json`` again, and return it."""
        self.info = read_run_info(self.path)
        return self.info

    def read_new(self) -> StepBlock:
        """Return the rows written since the last call, in the order in which they were written.

        A run that was resumed from an older step goes back in ``step``; `superseded` tells
        which rows then count no longer.

        Raises
        ------
        RunUnreadable
            If a file of the run cannot be read; a later call tries again.
        """
        table, next_row = _retrying(lambda: _read_from(self.path, self._next_row))
        self._next_row = next_row
        return step_block(table)


def _run_folder(path: str | os.PathLike[str]) -> Path:
    run = Path(path)
    if run.is_dir() and is_run(run):
        return run
    if not run.exists():
        raise RunNotFound(
            f"there is no run at {run}; `lrwatch ls FOLDER` lists the runs of a folder"
        )
    raise RunNotFound(
        f"{run} is not a run: a run is a folder with run.json; "
        f"`lrwatch ls {run}` lists the runs in it"
    )


def _retrying(read_files: Callable[[], T]) -> T:
    for _ in range(_LISTINGS - 1):
        try:
            return read_files()
        except FileNotFoundError:
            continue  # merged or compacted while it was read: list the folder again
    return read_files()


def _read_from(run: Path, first: int) -> tuple[pa.Table, int]:
    """Return the rows from number `first` on, and the number of the row after them."""
    tables, next_row = [], first
    for extent in extents(run):
        if extent.stop is not None and extent.stop <= first:
            continue
        table = _part_rows(extent, first) if extent.is_part else _journal_rows(extent, first)
        tables.append(table)
        next_row = max(extent.first, first) + table.num_rows
    if not tables:
        return _EMPTY.empty_table(), next_row
    return _concatenated(tables), next_row


def _part_rows(extent: Extent, first: int) -> pa.Table:
    try:
        return read_part(extent, first=first)
    except pa.ArrowInvalid as error:
        raise RunUnreadable(f"{extent.path.name} is damaged: {error}") from error


def _journal_rows(extent: Extent, first: int) -> pa.Table:
    begin = max(extent.first, first)
    rows = read_journal(extent.path, skip_rows=begin - extent.base)
    if extent.stop is not None:
        rows = _head(rows, extent.stop - begin)
    return arrow_table(rows)


def _head(rows: JournalRows, n_rows: int) -> JournalRows:
    return JournalRows(
        rows.columns,
        rows.step[:n_rows],
        rows.time[:n_rows],
        rows.skipped[:n_rows],
        rows.values[:n_rows],
    )


def _concatenated(tables: Sequence[pa.Table]) -> pa.Table:
    table = pa.concat_tables(tables, promote_options="default")
    names = [*_EMPTY.names, *(n for n in table.column_names if n not in _EMPTY.names)]
    for name in _EMPTY.names:
        if name not in table.column_names:
            kind = _EMPTY.field(name).type
            table = table.append_column(name, pa.nulls(table.num_rows, kind))
    return table.select(names)
