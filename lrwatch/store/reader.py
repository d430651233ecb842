"""Read a run: its parts, then its journals, as one series of rows.

Readers take no locks. While a run is written, a journal may become a part and parts may be
merged between listing a file and opening it; then the folder is listed again.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import pyarrow as pa

from lrwatch.errors import RunNotFound, RunUnreadable
from lrwatch.records import FLOAT_COLUMNS, NULL, RunInfo, StepBlock, is_null, superseded
from lrwatch.store.faults import naming, reading
from lrwatch.store.journal import JournalRows, read_journal
from lrwatch.store.layout import Extent, extents, is_run
from lrwatch.store.mirroring.places import known_as, local_folder, mirror_of
from lrwatch.store.parts import SCHEMA, arrow_table, part_tables
from lrwatch.store.run_info import read_run_info
from lrwatch.tables import joined, step_block

if TYPE_CHECKING:
    import os

    import pandas as pd

__all__ = ["RunReader", "read", "read_table"]

logger = logging.getLogger("lrwatch")

# `pyarrow.Schema.empty_table` would import pandas.
_NO_ROWS = pa.Table.from_batches([], SCHEMA)

_LISTINGS: Final = 32
"""How often a folder is listed when files vanish while they are read; what was read is kept."""


def read(path: str | os.PathLike[str], *, raw: bool = False) -> pd.DataFrame:
    """Read a run as a frame with one row an optimizer step, also while it is being written.

    Parameters
    ----------
    path
        Folder of a run, its address, such as ``s3://bucket/runs/sgd-0.1``, or a `Run`, also
        while it is being recorded.
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
    StorageError
        If it is at an address that cannot be reached.
    """
    frame: pd.DataFrame = read_table(path, raw=raw).to_pandas()
    return frame


def read_table(path: str | os.PathLike[str], *, raw: bool = False) -> pa.Table:
    """Read a run as `read` does, into an Arrow table, which keeps null and NaN apart."""
    with naming(known_as(path)):
        run = _run_folder(path)
        read_run_info(run)
        n_rows, found = 0, []
        for rows, n_rows in _read_from(run, 0):  # noqa: B007  the last one counts
            found.append(rows)
        with reading(run):
            held = [arrow_table(each) if isinstance(each, JournalRows) else each for each in found]
            table = _concatenated(held)
    if n_lost := n_rows - table.num_rows:
        logger.warning("%s: %s", known_as(path), _lost(n_lost))
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
    columns
        Which to read from its parts; what else there is reads as not recorded. ``None`` is all.
    within
        First and last of the steps that are wanted; stretches of a part that have none of them
        are left out. ``None`` is all.

    Attributes
    ----------
    damaged_rows
        Rows among those so far that are in no file, or whose record is damaged; not known where
        steps are left out.

    Raises
    ------
    RunNotFound
        If there is no run at `path`.
    RunUnreadable
        If its ``run.json`` is damaged or of a later format. The messages name files of the run,
        and not its folder.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        columns: Collection[str] | None = None,
        within: tuple[float, float] | None = None,
    ) -> None:
        self.path = _run_folder(path)
        self.info: RunInfo = read_run_info(self.path)
        self._columns = None if columns is None else list(columns)
        self._within = within
        self._next_row = 0
        self.damaged_rows = 0

    @property
    def problem(self) -> str:
        """What of the rows so far could not be read; empty if all could."""
        return _lost(self.damaged_rows) if self.damaged_rows else ""

    def read_new(self) -> StepBlock:
        """Return the rows written since the last call, in the order in which they were written.

        A run that was resumed from an older step goes back in ``step``; `superseded` tells
        which rows then count no longer.

        Raises
        ------
        RunUnreadable
            If a file of the run cannot be read; a later call tries again.
        """
        blocks, next_row = [], self._next_row
        for rows, next_row in self._pieces():  # noqa: B007  the last one counts
            if len(rows):
                blocks.append(_as_block(rows))
        block = joined(blocks or [_as_block(_NO_ROWS)])
        self._advance(next_row, len(block))
        return block

    def new_blocks(self) -> Iterator[StepBlock]:
        """Return what `read_new` returns, in pieces, none of which is kept: a long run is large.

        Raises
        ------
        RunUnreadable
            If a file of the run cannot be read; a later call goes on after the last piece.
        """
        for rows, next_row in self._pieces():
            self._advance(next_row, len(rows))
            if len(rows):
                yield _as_block(rows)

    def _pieces(self) -> Iterator[tuple[JournalRows | pa.Table, int]]:
        return _read_from(self.path, self._next_row, self._columns, self._within)

    def _advance(self, next_row: int, n_read: int) -> None:
        if self._within is None:
            self.damaged_rows += next_row - self._next_row - n_read
        self._next_row = next_row


def _lost(n_rows: int) -> str:
    return f"{n_rows} {'row is' if n_rows == 1 else 'rows are'} damaged and left out"


def _run_folder(path: str | os.PathLike[str]) -> Path:
    run = local_folder(path)
    with reading(run):
        if run.is_dir() and is_run(run):
            return run
        if not run.exists():
            raise RunNotFound(
                "there is no run here; `lrwatch ls FOLDER` lists the runs of a folder"
            )
    raise RunNotFound(
        "this is not a run: a folder with run.json is expected; "
        "`lrwatch ls FOLDER` lists the runs of a folder"
    )


def _read_from(
    run: Path,
    first: int,
    columns: Sequence[str] | None = None,
    within: tuple[float, float] | None = None,
) -> Iterator[tuple[JournalRows | pa.Table, int]]:
    """Return the rows from number `first` on, piece by piece, each with the number of the next.

    As rows are numbered when they are written, the difference is what cannot be read.
    """
    for left in reversed(range(_LISTINGS)):
        try:
            if mirror := mirror_of(run):
                mirror.fetch(run, first)
            for extent in extents(run):
                if extent.stop is None or extent.stop > first:
                    for rows, next_row in _rows_of(extent, first, columns, within):
                        first = next_row
                        yield rows, first
            break
        except FileNotFoundError as error:  # merged or compacted meanwhile: list them anew
            if not left:  # a link that leads nowhere
                name = Path(error.filename or "").name
                raise RunUnreadable(f"{name} cannot be read: {error.strerror}") from error


def _rows_of(
    extent: Extent,
    first: int,
    columns: Sequence[str] | None,
    within: tuple[float, float] | None,
) -> Iterator[tuple[JournalRows | pa.Table, int]]:
    """Return the rows of a file from number `first` on, each piece with the number of the next."""
    if extent.is_part:
        at = max(extent.first, first)
        for table in part_tables(extent, first=first, columns=columns, within=within):
            at += len(table)
            yield table, at
        # Its name says how many rows it holds; what is missing cannot be read.
        yield _NO_ROWS, extent.stop or first
        return
    rows = read_journal(extent.path, skip_rows=max(extent.first, first) - extent.base)
    if extent.stop is not None:
        yield rows.before(extent.stop - extent.base), extent.stop
    else:
        yield rows, extent.base + int(rows.place[-1]) + 1 if len(rows) else first


def _as_block(rows: JournalRows | pa.Table) -> StepBlock:
    if not isinstance(rows, JournalRows):
        return step_block(rows if "loss" in rows.column_names else _concatenated([rows]))
    # Straight to numpy: in a live run this is done again and again, in the training process too.
    columns = dict(zip(rows.columns, rows.values.T.copy(), strict=True))
    # Of the numbers that every run has, what was not recorded stays known by its bits.
    known = {name: columns.pop(name, np.full(len(rows), NULL)) for name in FLOAT_COLUMNS}
    extra = {name: np.where(is_null(values), np.nan, values) for name, values in columns.items()}
    return StepBlock(
        step=rows.step,
        time=rows.time,
        **known,
        skipped=rows.skipped,
        loss_seen=~is_null(known["loss"]),
        extra=extra,
    )


def _concatenated(tables: Sequence[pa.Table]) -> pa.Table:
    table = pa.concat_tables([*tables, _NO_ROWS], promote_options="default")
    names = [*SCHEMA.names, *(name for name in table.column_names if name not in SCHEMA.names)]
    return table.select(names)
