"""A writer that makes its run with the first row: an optimizer that never steps leaves nothing."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from lrwatch.records import RunInfo
from lrwatch.store.silent_writer import SilentWriter
from lrwatch.store.writer import Row, RunWriter

__all__ = ["LateWriter", "Open"]

Open: TypeAlias = Callable[[RunInfo, Sequence[str]], RunWriter | SilentWriter]
"""Makes a run from what is known of it and the names of its columns."""


class LateWriter:
    """Takes what a `RunWriter` takes, and has none before the first row.

    Parameters
    ----------
    folder
        Where the run will be, as far as is known before.
    info
        What is known of the run.
    columns
        Names of the float columns.
    open_run
        Called when the first row comes.
    """

    def __init__(self, folder: Path, info: RunInfo, columns: Sequence[str], open_run: Open) -> None:
        self.folder = folder
        self.info = info
        self.writer: RunWriter | SilentWriter | None = None
        self._columns = tuple(columns)
        self._open_run = open_run

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the float columns."""
        return self._columns if self.writer is None else self.writer.columns

    def append(self, row: Row) -> None:
        """Write the next row; with the first one the run is made."""
        if self.writer is None:
            self.writer = self._open_run(self.info, self._columns)
            self.folder, self.info = self.writer.folder, self.writer.info
        self.writer.append(row)

    def amend(self, values: Sequence[float]) -> None:
        """Write the last row again with other values, one a column."""
        if self.writer is not None:
            self.writer.amend(values)

    def last_values(self) -> list[float] | None:
        """Return the values of the last row, one a column, or ``None`` before the first."""
        return None if self.writer is None else self.writer.last_values()

    def widen(self, names: Sequence[str]) -> None:
        """Add columns."""
        if self.writer is None:
            self._columns += tuple(names)
        else:
            self.writer.widen(names)

    def learn(self, facts: Mapping[str, Any]) -> None:
        """Keep what has become known of the run, for when it is made."""
        if self.writer is None:
            self.info = dataclasses.replace(self.info, **facts)
        else:
            self.writer.learn(facts)

    def close(self, status: str, error: str | None = None) -> None:
        """End the run, if there is one."""
        if self.writer is not None:
            self.writer.close(status, error)
