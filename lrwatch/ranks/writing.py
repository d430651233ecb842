"""What one process of a job writes of itself: a row a stretch of steps, and that it is alive."""

from __future__ import annotations

import json
import logging
import os
import socket
import time
import weakref
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from lrwatch.plain_files import replacing
from lrwatch.ranks.files import COLUMNS, rank_path, status_path
from lrwatch.records import NULL
from lrwatch.store.journal import JournalWriter
from lrwatch.system import in_forked_child, process_mark

__all__ = ["RankWriter"]

logger = logging.getLogger("lrwatch")

_MOST_WAITING: Final = 4_096  # steps kept until it is known where to write them
_ROWS_OF_A_PACE: Final = 8_192  # after which stretches become twice as long: a file stays small
_US: Final = 1e-6


class RankWriter:
    """Writes the steps of one process, a row for each stretch of them.

    The row of the stretch under way is written again with each step, so that a file always tells
    the last step that its process made. A disk that refuses is told of once, and ends the writing.

    Parameters
    ----------
    rank, n_ranks
        Which process this is, of how many.
    every
        Steps in a stretch.
    """

    def __init__(self, rank: int, n_ranks: int, every: int) -> None:
        self.rank = rank
        self.n_ranks = n_ranks
        self.is_over = False
        self.last_step: int | None = None
        self._every = every
        self._place: tuple[Path, int] | None = None
        self._waiting: deque[tuple[int, int, Sequence[float]]] = deque(maxlen=_MOST_WAITING)
        self._journal: JournalWriter | None = None
        self._first_step = 0
        self._stretch = -1
        self._sums = [_Mean() for _ in COLUMNS]
        self._n_rows = 0
        self._last_time = 0
        _open.add(self)

    @property
    def is_settled(self) -> bool:
        """Whether it is known where to write."""
        return self._place is not None

    def settle(self, attempt: Path, first_step: int) -> None:
        """Say where to write; from any thread, as the next step does it.

        Parameters
        ----------
        attempt
            Folder of this start of the job.
        first_step
            Number of its first step, which other processes than the first one count from 0.
        """
        self._place = attempt, first_step

    def take(self, step: int, moment: int, values: Sequence[float]) -> None:
        """Take a step; never raises.

        Parameters
        ----------
        step
            Its number, from 0 on.
        moment
            When it ended, in microseconds.
        values
            Loss, gradient norm, and seconds from the step before to the first `backward`.
        """
        if self.is_over:
            return
        if self._journal is None:
            self._waiting.append((step, moment, values))
            if self._place is None:
                return
        try:
            if self._journal is None:
                self._begin(*self._place)  # type: ignore[misc]
            else:
                self._write(step, moment, values)
        except OSError as error:
            self._give_up(error)

    def beat(self, *, is_in_backward: bool, status: str = "running", error: str = "") -> None:
        """Tell that the process lives, and where it is; not on the thread that trains.

        Parameters
        ----------
        is_in_backward
            Whether it has come to the `backward` of the coming step.
        status
            As in `RunInfo`.
        error
            What ended it, in a line.
        """
        if self._place is None:
            return
        said = {
            "rank": self.rank, "n_ranks": self.n_ranks, "host": socket.gethostname(),
            "pid": os.getpid(), "started": process_mark(os.getpid()), "status": status,
            "error": error, "step": self.last_step, "is_in_backward": is_in_backward,
            "time": time.time(),
        }  # fmt: skip
        try:
            with replacing(status_path(rank_path(self._place[0], self.rank))) as aside:
                aside.write_text(json.dumps(said) + "\n", encoding="utf-8")
        except OSError as problem:
            logger.debug("rank %d cannot tell how it is: %s", self.rank, problem)

    def close(self, status: str, error: str | None = None) -> None:
        """End the file, and tell how the process ended; closing twice does nothing."""
        if self.is_over:
            return
        if self._place is not None and self._journal is None:
            try:
                self._begin(*self._place)
            except OSError as problem:
                self._give_up(problem)
        self.beat(is_in_backward=False, status=status, error=error or "")
        self.abandon()

    def abandon(self) -> None:
        """Write nothing more, as after a fork."""
        self.is_over = True
        if self._journal is not None:
            self._journal.close()
            self._journal = None

    def _begin(self, attempt: Path, first_step: int) -> None:
        self._first_step = first_step
        self._journal = JournalWriter(rank_path(attempt, self.rank), 0, COLUMNS)
        waiting, self._waiting = self._waiting, deque()
        for row in waiting:
            self._write(*row)

    def _write(self, step: int, moment: int, values: Sequence[float]) -> None:
        journal = self._journal
        if journal is None:  # closed by another thread meanwhile
            return
        step += self._first_step
        seconds = (moment - self._last_time) * _US if self._last_time else NULL
        stretch = step // self._every
        is_new = stretch != self._stretch or step <= (self.last_step or -1)
        if is_new:
            for mean in self._sums:
                mean.clear()
            if self._n_rows >= _ROWS_OF_A_PACE:
                self._every, self._n_rows = 2 * self._every, 0
                stretch = step // self._every
            self._stretch = stretch
            self._n_rows += 1
        loss, norm, to_backward = values
        row = [
            mean.of(value)
            for mean, value in zip(self._sums, (loss, norm, seconds, to_backward), strict=True)
        ]
        record = journal.pack(0, step, moment, row)
        if is_new:
            journal.append(record)
        else:
            journal.replace_last(record)
        self.last_step, self._last_time = step, moment

    def _give_up(self, error: OSError) -> None:
        logger.warning(
            "rank %d is not recorded: %s; its run is, and training goes on",
            self.rank, error.strerror or error,
        )  # fmt: skip
        self._waiting.clear()
        self.abandon()


class _Mean:
    """The mean of what was recorded so far; a NaN that was recorded stays one."""

    __slots__ = ("_n", "_sum")

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        self._sum, self._n = 0.0, 0

    def of(self, value: float) -> float:
        """Add a value, and return the mean."""
        if value is not NULL:
            self._sum += value
            self._n += 1
        return self._sum / self._n if self._n else NULL


_open: weakref.WeakSet[RankWriter] = weakref.WeakSet()


@in_forked_child
def _abandon_after_fork() -> None:
    for writer in list(_open):
        writer.abandon()
