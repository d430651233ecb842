"""Write a run: a record a step into the journal, journals into parts behind the loop's back.

The training thread does one `pwrite` a step. `Keeper`, a thread beside it, does the rest. A
disk that refuses stops nothing: rows wait in a bounded buffer, one warning is logged, and
writing is tried again until it works or the run ends.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from lrwatch.errors import LrwatchError, RunUnreadable, StoreNotWritable
from lrwatch.plain_files import replacing
from lrwatch.records import NULL, RunInfo
from lrwatch.store.compaction import compact_all, merge_all
from lrwatch.store.journal import JournalWriter, read_journal
from lrwatch.store.keeper import Keeper
from lrwatch.store.layout import journal_path
from lrwatch.store.ownership import Ownership
from lrwatch.store.run_info import write_run_info
from lrwatch.system import in_forked_child, is_held_here, new_lock

__all__ = ["Row", "RunWriter"]

logger = logging.getLogger("lrwatch")

JOURNAL_ROWS = 16_384
"""Rows after which a journal is closed and becomes a part."""

BACKLOG_ROWS = 200_000
"""Rows kept in memory while the disk refuses them; older ones are then dropped."""

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)

_RETRY_SECONDS = (1.0, 30.0)  # first and longest pause between tries on a disk that refuses


class Row(NamedTuple):
    """One step: flags, step, time in microseconds, and one value a column."""

    flags: int
    step: int
    time: int
    values: Sequence[float]


class RunWriter:
    """Writes the rows of one run.

    Parameters
    ----------
    folder
        The run's folder; it exists and belongs to this writer.
    first_row
        Number of the first row that will be written; more than 0 when a run is resumed.

    Raises
    ------
    StoreNotWritable
        If the folder cannot be written.
    RunBusy
        If another process writes the run.
    """

    def __init__(
        self, folder: Path, info: RunInfo, columns: Sequence[str], *, first_row: int = 0
    ) -> None:
        self.folder = folder
        self.info = info
        self.columns = tuple(columns)
        self._last: Row | None = None
        self._backlog: deque[Row] = deque()
        self._lost = info.lost_rows
        self._retry_at = 0.0
        self._pause = _RETRY_SECONDS[0]
        try:
            self._ownership = Ownership(folder)
            write_run_info(folder, info)
            path = journal_path(folder, first_row)
            _make_way(path)
            self._journal = JournalWriter(path, first_row, self.columns)
        except OSError as error:
            if isinstance(error, LrwatchError):
                raise
            raise StoreNotWritable(
                f"cannot write the run folder {folder}: {error.strerror or error}; "
                "give watch(dir=...) a folder that this user can write"
            ) from error
        self._close_journal_at = first_row + JOURNAL_ROWS
        self._closed = self._has_ended = False
        self._info_lock = threading.Lock()
        self._ending = new_lock()
        self._keeper = Keeper(folder, self.ask_for_new_journal)
        _open_writers.add(self)

    @property
    def n_rows(self) -> int:
        """Number of rows of the run that are written."""
        return self._journal.next_row

    def append(self, row: Row) -> None:
        """Write the next row. Never raises on a disk that refuses."""
        if self._closed:
            return
        if self._backlog:
            self._append_late(row)
            return
        if self._journal.next_row >= self._close_journal_at:
            self._start_journal()
        try:
            self._journal.append(self._journal.pack(*row))
        except OSError as error:
            self._hold(row, error)
            return
        self._last = row

    def amend(self, values: Sequence[float]) -> None:
        """Write the last row again with other values, one a column."""
        if self._backlog:
            self._backlog[-1] = self._backlog[-1]._replace(values=values)
        elif self._last is not None and not self._closed:
            self._last = self._last._replace(values=values)
            try:
                self._journal.replace_last(self._journal.pack(*self._last))
            except OSError as error:
                logger.warning("a value logged at step %d is lost: %s", self._last.step, error)

    def last_values(self) -> list[float] | None:
        """Return the values of the last row, one a column, or ``None`` before the first."""
        row = self._backlog[-1] if self._backlog else self._last
        return None if row is None else self._widened(row.values)

    def widen(self, names: Sequence[str]) -> None:
        """Add columns; rows from the last one on have them.

        A new journal begins, with the last row in it again, as a file has one set of columns.
        """
        self._close_journal_at = 0  # where Ctrl-C interrupts this, the next row begins a journal
        self.columns += tuple(names)
        # With rows waiting, the journal that takes them will have the columns.
        if not self._closed and not self._backlog and not self._start_journal(again=self._last):
            self.columns = self._journal.columns

    def ask_for_new_journal(self) -> None:
        """Have the next row begin a new journal, so that this one can become a part."""
        self._close_journal_at = 0

    def learn(self, facts: Mapping[str, Any]) -> None:
        """Add fields of `RunInfo` that have become known to ``run.json``; from any thread."""
        with self._info_lock:
            if self._closed:
                return
            self.info = dataclasses.replace(self.info, **facts)
            with contextlib.suppress(OSError):  # it is written again at the end
                write_run_info(self.folder, self.info)

    def close(self, status: str, error: str | None = None) -> None:
        """End the run: all rows into one part, the status into ``run.json``.

        Raises no error: journals that cannot become a part stay readable, and rows that no disk
        takes are counted. Where Ctrl-C interrupts it, the next call goes on.
        """
        if is_held_here(self._ending):  # a signal handler asks for what is being done
            return
        with self._ending:
            if self._has_ended:
                return
            with self._info_lock:
                self._closed = True
            try:
                self._write_backlog(final=True)
                self._journal.close()
                self._keeper.stop()
                self._end(status, error)
                self._ownership.release()
            except Exception:  # the training goes on, whatever is wrong here
                logger.exception("the end of run %s could not be recorded", self.folder)
            self._has_ended = True

    def _end(self, status: str, ended_by: str | None) -> None:
        try:
            compact_all(self.folder)
            merge_all(self.folder)
        except Exception as error:
            logger.warning(
                "run %s ends in several files, not one: %s", self.folder, error,
                exc_info=not isinstance(error, (OSError, LrwatchError)),
            )  # fmt: skip
        self.info = dataclasses.replace(
            self.info,
            status=status,
            error=ended_by,
            ended_at=time.time(),
            lost_rows=self._lost,
        )
        try:
            write_run_info(self.folder, self.info)
        except OSError as error:
            logger.warning("the end of run %s could not be recorded: %s", self.folder, error)

    def abandon(self) -> None:
        """Write nothing more, as after a fork: the run belongs to the parent process."""
        self._closed = self._has_ended = True
        self._keeper.forget()

    def _start_journal(self, again: Row | None = None) -> bool:
        """Go on in a new journal, which begins with the row `again` where one is given.

        Returns whether it worked; if not, the present journal goes on.
        """
        if not self._journal.path.exists():
            self._restore_folder()
        first_row = self.n_rows - (again is not None)
        path = journal_path(self.folder, first_row)
        try:
            with replacing(path) as aside:  # over the present journal, if that held only this row
                journal = JournalWriter(aside, first_row, self.columns)
                if again is not None:
                    again = again._replace(values=self._widened(again.values))
                    journal.append(journal.pack(*again))
                journal.make_movable()
                if path == self._journal.path:  # no file server need replace one that is open
                    self._journal.close()
            journal.settle(path)
        except OSError as error:
            logger.debug("no new journal in %s yet: %s", self.folder, error)
            self._journal.settle(self._journal.path)
            self._close_journal_at = self.n_rows + 1_024
            return False
        self._journal.close()
        self._journal, self._last = journal, again or self._last
        self._close_journal_at = first_row + JOURNAL_ROWS
        self._keeper.wake()
        return True

    def _restore_folder(self) -> None:
        """Make a folder again that was deleted: the open journal's rows are still at hand."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            write_run_info(self.folder, self.info)
            self._ownership = Ownership(self.folder)
            self._journal.move_to(self._journal.path)
        except (OSError, LrwatchError) as error:
            logger.warning("run folder %s is gone and cannot be made: %s", self.folder, error)
        else:
            logger.warning(
                "run folder %s was deleted; it is made again with the last %d rows",
                self.folder, self.n_rows - self._journal.first_row,
            )  # fmt: skip

    def _widened(self, values: Sequence[float]) -> list[float]:
        return [*values, *[NULL] * (len(self.columns) - len(values))]

    def _hold(self, row: Row, error: OSError) -> None:
        if not self._backlog:
            logger.warning(
                "run %s cannot be written (%s); training goes on, up to %d rows are kept in "
                "memory and written when it is possible again",
                self.folder, error.strerror or error, BACKLOG_ROWS,
            )  # fmt: skip
        self._backlog.append(row)
        self._retry_at = time.monotonic() + self._pause
        self._pause = min(2 * self._pause, _RETRY_SECONDS[1])

    def _append_late(self, row: Row) -> None:
        if len(self._backlog) >= BACKLOG_ROWS:
            self._backlog.popleft()
            self._lost += 1
        self._backlog.append(row)
        if time.monotonic() >= self._retry_at:
            self._write_backlog()

    def _write_backlog(self, *, final: bool = False) -> None:
        """Write the rows that wait, in their order, as far as the disk takes them."""
        if not self._backlog:
            return
        try:
            self._write_waiting_rows()
        except OSError as error:
            self._retry_at = time.monotonic() + self._pause
            if final:
                self._lost += len(self._backlog)
                self._backlog.clear()
                logger.warning("%d rows of %s are lost: %s", self._lost, self.folder, error)
            return
        self._pause = _RETRY_SECONDS[0]
        logger.warning("run %s is written again; %d rows were lost", self.folder, self._lost)

    def _write_waiting_rows(self) -> None:
        if self.columns != self._journal.columns and not self._start_journal(again=self._last):
            raise OSError(errno.EIO, "a journal with the new columns cannot be created")
        while self._backlog:
            row = self._backlog[0]._replace(values=self._widened(self._backlog[0].values))
            try:
                self._journal.append(self._journal.pack(*row))
            except OSError as error:
                # The file itself may be at fault, as one that a file server has forgotten.
                if error.errno in _FULL or not self._start_journal():
                    raise
                self._journal.append(self._journal.pack(*row))
            self._last = row
            self._backlog.popleft()


def _make_way(journal: Path) -> None:
    """Have no journal be there: one without a row, of a run that was killed early, is in the way.

    One that cannot be read is set aside, for whoever may still want to look into it.

    Raises
    ------
    OSError
        If it holds rows, which another writer has just written, or cannot be moved.
    """
    try:
        if len(read_journal(journal)):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(journal))
        journal.unlink()
    except FileNotFoundError:
        return
    except RunUnreadable as error:
        aside = journal.rename(journal.with_name(f"{journal.name}.damaged"))
        logger.warning("run %s goes on without %s: %s", journal.parent, aside.name, error)


_open_writers: weakref.WeakSet[RunWriter] = weakref.WeakSet()


@in_forked_child
def _abandon_after_fork() -> None:
    for writer in list(_open_writers):
        with contextlib.suppress(Exception):
            writer.abandon()
