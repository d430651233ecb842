"""Create a run's folder, or go on with one that is there: at once, or when a row has come.

Where another process writes the run, or no row has come yet, there are writers without a run.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from lrwatch.errors import RunNotFound, StoreNotWritable
from lrwatch.plain_files import made_new
from lrwatch.records import RunInfo
from lrwatch.store.faults import naming, reading
from lrwatch.store.layout import folder_name, is_run
from lrwatch.store.ownership import is_lock
from lrwatch.store.rows import end_of_rows
from lrwatch.store.run_info import read_run_info
from lrwatch.store.run_names import check_run_name, numbered
from lrwatch.store.writer import Row, RunWriter

__all__ = ["LateWriter", "Open", "SilentWriter", "create_run", "resume_run"]


def create_run(store: Path, info: RunInfo, columns: Sequence[str]) -> RunWriter:
    """Create a run's folder, named as the run, slashes as ``-``, and return its writer.

    A run that has the name already is left alone: the new one is called ``NAME-2``, and so
    on. Making the folder is what claims the name, so two processes never share one.

    Raises
    ------
    StoreNotWritable
        If the folder cannot be created.
    InvalidArgument
        If the name cannot be a folder's name.
    """
    check_run_name(info.name)
    try:
        store.mkdir(parents=True, exist_ok=True)
        wanted = folder_name(info.name)
        folder = made_new(store / name for name in numbered(wanted))
    except OSError as error:
        raise StoreNotWritable(
            f"cannot create a run in {store}: {error.strerror or error}; "
            "give watch(dir=...) a folder that this user can write"
        ) from error
    name = info.name + folder.name.removeprefix(wanted)
    return RunWriter(folder, dataclasses.replace(info, name=name), columns)


def resume_run(
    store: Path,
    info: RunInfo,
    columns: Sequence[str],
    *,
    step: int | None,
    may_begin: bool = False,
) -> tuple[RunWriter, int]:
    """Go on with the run called `info.name`.

    Parameters
    ----------
    info
        What is known of the run now; its id, creation time and configuration stay as they are,
        and so does its planned length where none is given now.
    step
        Number of the next step; ``None`` to go on after the last one. Rows that have this
        step or a later one stay in the files, and no longer count.
    may_begin
        Begin the run if there is none.

    Returns
    -------
    The writer, and the number of the next step.

    Raises
    ------
    RunNotFound
        If there is no such run.
    RunBusy
        If another process writes it.
    """
    folder = store / folder_name(info.name)
    with naming(folder), reading(folder):
        if _was_killed_at_birth(folder):
            return RunWriter(folder, info, columns), step or 0
        if not is_run(folder):
            if may_begin:
                return create_run(store, info, columns), step or 0
            raise RunNotFound("there is no run to resume; leave out resume to begin one")
        earlier = read_run_info(folder)
        n_rows, last_step = end_of_rows(folder)
    merged = dataclasses.replace(
        info,
        id=earlier.id,
        created_at=earlier.created_at,
        config={**earlier.config, **info.config},
        total_steps=earlier.total_steps if info.total_steps is None else info.total_steps,
        lost_rows=earlier.lost_rows,
    )
    writer = RunWriter(folder, merged, columns, first_row=n_rows)
    return writer, last_step + 1 if step is None else step


def _was_killed_at_birth(folder: Path) -> bool:
    """Tell whether a folder was made for a run whose process did not come to write ``run.json``."""
    try:
        names = [path.name for path in folder.iterdir()]
    except (FileNotFoundError, NotADirectoryError):
        return False
    return all(is_lock(name) or name.startswith(".") for name in names)


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
