"""A run folder that is kept the same as a run of another tool: made once, then only added to."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from lrwatch.importing.ordering import OrderedRun
from lrwatch.records import FLOAT_COLUMNS, NULL, RunInfo, StepBlock
from lrwatch.store import RunWriter, list_runs, read_table
from lrwatch.store.creation import create_run, resume_run
from lrwatch.store.journal import SKIPPED
from lrwatch.store.run_names import plain_run_name
from lrwatch.store.writer import Row
from lrwatch.tables import step_block
from lrwatch.version import VERSION

__all__ = ["RunCopy", "known_copies"]

_LONGEST_METRIC: Final = 200
_MOST_METRICS: Final = 1000
_CONFIG_LEVELS: Final = 20
_MICROSECONDS: Final = 1e6


def known_copies(store: Path) -> dict[str, Path]:
    """Return the folders of the runs of a store by their identity."""
    if not store.is_dir():
        return {}
    return {each.info.id: each.path for each in list_runs(store) if each.info is not None}


class RunCopy:
    """The run folder of one run of another tool.

    Parameters
    ----------
    store
        Folder of runs.
    source, kind, key
        Where the run is, who reads it, and which run of the source it is: its identity, by which
        it is found again.
    known
        As `known_copies` returns it.

    Attributes
    ----------
    folder
        Its folder; ``None`` before the first update.
    """

    def __init__(
        self, store: Path, source: Path, kind: str, key: str, known: Mapping[str, Path]
    ) -> None:
        self._store, self._source, self._kind = store, source.absolute(), kind
        identity = "\0".join((str(self._source), kind, key))
        self.run_id = hashlib.sha256(identity.encode("utf-8", "surrogateescape")).hexdigest()[:12]
        self.folder = known.get(self.run_id)
        self._writer: RunWriter | None = None
        self._kept: StepBlock | None = None

    def update(self, read: OrderedRun, *, is_live: bool = False) -> int:
        """Add the rows that the folder does not have; return how many.

        Parameters
        ----------
        read
            The run as it is now.
        is_live
            The folder stays open for more; rows that say no time have come just now.

        Raises
        ------
        StoreNotWritable, RunBusy
            If the folder cannot be written.
        """
        rows = _without_empty(read.rows)
        is_new = self.folder is None
        kept = None if is_new else self._rows_kept()
        begin = 0 if kept is None else _first_new(kept, rows)
        if begin < len(rows) or is_new:
            writer = self._opened(read, rows)
            now = int(time.time() * _MICROSECONDS) if is_live and not is_new else 0
            for row in _written(rows[begin:], writer.columns, now):
                writer.append(row)
        self._kept = rows if begin < len(rows) or kept is None else kept
        if not is_live:
            self.close()
        return len(rows) - begin

    def close(self) -> None:
        """End the run; nothing happens if it is not open."""
        if self._writer is not None:
            self._writer.close("finished")
            self._writer = None

    def _rows_kept(self) -> StepBlock:
        if self._kept is None:
            self._kept = step_block(read_table(self.folder or self._store))
        return self._kept

    def _opened(self, read: OrderedRun, rows: StepBlock) -> RunWriter:
        """Return the writer, with a column for each number."""
        names = list(rows.extra)
        if self._writer is None:
            info, columns = self._info(read, rows), (*FLOAT_COLUMNS, *names)
            if self.folder is None:
                self._writer = create_run(self._store, info, columns)
            else:
                self._writer, _ = resume_run(self.folder.parent, info, columns, step=None)
            self.folder = self._writer.folder
        new = [name for name in names if name not in self._writer.columns]
        if new:
            self._writer.widen(new)
        return self._writer

    def _info(self, read: OrderedRun, rows: StepBlock) -> RunInfo:
        known = rows.time[rows.time > 0]
        return RunInfo(
            id=self.run_id,
            name=plain_run_name(read.run.name) if self.folder is None else self.folder.name,
            created_at=float(known[0]) / _MICROSECONDS if len(known) else time.time(),
            config=dict(_plain(read.run.config, _CONFIG_LEVELS)),
            total_steps=read.total_steps,
            environment={
                "imported from": str(self._source).encode("utf-8", "replace").decode(),
                "imported as": self._kind,
                "log": read.recognised,
                "lrwatch": VERSION,
            },
        )


def _without_empty(rows: StepBlock) -> StepBlock:
    """Leave out metrics without a number, and those whose name no file should have."""
    extra = {
        name: values
        for name, values in rows.extra.items()
        if not np.isnan(values).all() and name.isprintable() and 0 < len(name) <= _LONGEST_METRIC
    }
    return rows.with_columns(extra=dict(list(extra.items())[:_MOST_METRICS]))


def _first_new(kept: StepBlock, rows: StepBlock) -> int:
    """Return the first row that must be written so that the folder has all of them.

    Where a row differs, all from it on are written again; they take the place of those that have
    their steps. A source that lost its end adds nothing.
    """
    if not len(rows):
        return 0
    kept = kept[kept.step >= rows.step[0]]
    n = min(len(kept), len(rows))
    same = kept.step[:n] == rows.step[:n]
    for name in FLOAT_COLUMNS:
        same &= _equal(getattr(kept, name)[:n], getattr(rows, name)[:n])
    for name, values in rows.extra.items():
        held = kept.extra.get(name, np.full(len(kept), np.nan))
        same &= _equal(held[:n], values[:n])
    begin = n if same.all() else int(np.argmin(same))
    if begin == n:
        return len(rows) if len(rows) <= len(kept) else n
    return max(begin - 1, 0) if rows.step[begin] > kept.step[begin] else begin


def _equal(some: Any, others: Any) -> Any:
    return (some == others) | (np.isnan(some) & np.isnan(others))


def _written(rows: StepBlock, columns: tuple[str, ...], now: int) -> Iterator[Row]:
    """Yield rows as the journal has them."""
    nothing = np.full(len(rows), NULL)
    held = []
    for name in columns:
        own = getattr(rows, name) if name in FLOAT_COLUMNS else rows.extra.get(name, nothing)
        seen = rows.loss_seen if name == "loss" else name in FLOAT_COLUMNS or ~np.isnan(own)
        held.append(np.where(seen, own, NULL).tolist())
    times = np.where(rows.time > 0, rows.time, now).tolist()
    flags = np.where(rows.skipped, SKIPPED, 0).tolist()
    return map(Row, flags, rows.step.tolist(), times, zip(*held, strict=True))


def _plain(value: Any, levels: int) -> Any:
    """Return a configuration in types of JSON, nested so deep at most."""
    if isinstance(value, Mapping):
        inner = {str(key): _plain(item, levels - 1) for key, item in value.items()}
        return inner if levels > 0 else {}
    if isinstance(value, (list, tuple)):
        return [_plain(item, levels - 1) for item in value] if levels > 0 else []
    return value if isinstance(value, (bool, int, float, str)) or value is None else str(value)
