"""Writers without a run: it is another process that writes it, or no row has come yet."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from lrwatch.records import RunInfo
from lrwatch.store.writer import Row, RunWriter

__all__ = ["LateWriter", "Open", "SilentWriter"]


class SilentWriter:
    """Takes what a `RunWriter` takes and keeps nothing.

    Parameters
    ----------
    folder, info, columns
        Of the run that another process writes, as far as is known here.
    """

    def __init__(self, folder: Path, info: RunInfo, columns: Sequence[str]) -> None:
        self.folder = folder
        self.info = info
        self.columns = tuple(columns)

    def append(self, row: Row) -> None:
        """Do nothing."""

    def amend(self, values: Sequence[float]) -> None:
        """Do nothing."""

    def last_values(self) -> None:
        """Return ``None``: there is no last row."""

    def widen(self, names: Sequence[str]) -> None:
        """Add columns."""
        self.columns += tuple(names)

    def learn(self, facts: Mapping[str, Any]) -> None:
        """Do nothing."""

    def close(self, status: str, error: str | None = None) -> None:
        """Do nothing."""


Open: TypeAlias = Callable[[RunInfo, Sequence[str]], tuple[RunWriter | SilentWriter, int]]
"""Makes a run from what is known of it and the names of its columns, or goes on with one; returns
its writer, and the number of its next step."""


class LateWriter:
    """Takes what a `RunWriter` takes, and makes the run with the first row.

    So an optimizer that never steps leaves nothing.

    Parameters
    ----------
    folder, info, columns
        Of the run, as far as is known before.
    open_run
        Called when the first row comes.
    """

    def __init__(self, folder: Path, info: RunInfo, columns: Sequence[str], open_run: Open) -> None:
        self.folder = folder
        self.info = info
        self.writer: RunWriter | SilentWriter = SilentWriter(folder, info, columns)
        self._open_run = open_run
        self._first_step: int | None = None  # before the run is made

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of the float columns."""
        return self.writer.columns

    def append(self, row: Row) -> None:
        """Write the next row; with the first one the run is made."""
        if self._first_step is None:
            self.writer, self._first_step = self._open_run(self.info, self.columns)
            self.folder, self.info = self.writer.folder, self.writer.info
        if self._first_step:
            row = row._replace(step=row.step + self._first_step)
        self.writer.append(row)

    def amend(self, values: Sequence[float]) -> None:
        """Write the last row again with other values, one a column."""
        self.writer.amend(values)

    def last_values(self) -> list[float] | None:
        """Return the values of the last row, one a column, or ``None`` before the first."""
        return self.writer.last_values()

    def widen(self, names: Sequence[str]) -> None:
        """Add columns."""
        self.writer.widen(names)

    def learn(self, facts: Mapping[str, Any]) -> None:
        """Keep what has become known of the run, for when it is made."""
        if self._first_step is None:
            self.info = dataclasses.replace(self.info, **facts)
        else:
            self.writer.learn(facts)

    def close(self, status: str, error: str | None = None) -> None:
        """End the run, if there is one."""
        self.writer.close(status, error)
