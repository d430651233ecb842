"""One run followed: its rows, verdict, state and numbers, as far as they are written."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Generic, Protocol, TypeVar, cast

from lrwatch.errors import LrwatchError, StorageError
from lrwatch.finding import MetricSummary
from lrwatch.following.absence import Clock, steady_clock
from lrwatch.following.metric_tracker import MetricTracker
from lrwatch.following.summary import RunSummary
from lrwatch.monitor import Monitor
from lrwatch.records import RunInfo, RunState, StepBlock, rising
from lrwatch.store import RunEntry, RunReader, read_run_info, writer_is_gone
from lrwatch.verdicts import Diagnosis

__all__ = ["FollowedRun", "Judge", "followed", "judged"]

logger = logging.getLogger("lrwatch")

News = TypeVar("News")

_SLICE: Final = 20_000
"""Rows judged between two looks at the clock."""

_COARSE_SECONDS: Final = 10.0
"""A file written so recently is read again: its time stamp may be too coarse to tell."""

_RETRY_SECONDS: Final = 60.0
"""After an error of ours a run is read again from its first row; not at once, then."""

_OUTAGE_SECONDS: Final = 10.0
"""After an error of a storage a run is read again."""

_RESTING_SECONDS: Final = 600.0
"""A run that calls itself running and has written nothing for so long is taken to rest."""


class Judge(Protocol[News]):
    """Takes the rows of a run one block after the other: `Monitor`, or the alerts on one."""

    def update(self, rows: StepBlock, /) -> list[News]:
        """Take the next rows; return what became of them."""

    def diagnosis(self) -> Diagnosis:
        """Diagnose the rows so far."""


class FollowedRun(Generic[News]):
    """Follows one run; its size does not grow with it.

    Parameters
    ----------
    judge
        Makes what its rows are given to; asked again when they are read from the first one.
    patience
        Seconds without a row before the run can be silent; `None` for the usual ones.
    clock
        Does not jump.

    Attributes
    ----------
    entry
        The run as it was last listed.
    run_id
        Identity of the run; its path in the store where ``run.json`` never could be read.
    summary
        What its rows come to.
    problem
        What cannot be read, without the path of the store; empty if all can.
    damage
        How many rows were left out because their records are damaged; empty if none.
    has_failed
        An error of ours stopped the judging; it is tried again after a minute.
    version
        Grows whenever something of this may have changed.
    """

    def __init__(
        self,
        entry: RunEntry,
        judge: Callable[[RunInfo], Judge[News]],
        *,
        patience: float | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.entry = entry
        self.run_id = entry.key if entry.info is None else entry.info.id
        self.problem = entry.problem
        self.damage = ""
        self.has_failed = False
        self.version = 0
        self._make_judge, self._patience = judge, patience
        self._clock = steady_clock() if clock is None else clock
        self._row_at = self._clock() - self.age
        self._retry_at = self._read_at = -math.inf
        self._is_relisted = True
        self._kept: Diagnosis | None = None  # of a run that rests
        self._known: tuple[int, Diagnosis] | None = None  # rows, and the verdict on them
        self.begin()

    def begin(self) -> None:
        """Start over, before the first row; `take` then sees every row again."""
        self.judge: Judge[News] | None = None
        self.summary, self._metrics = RunSummary(), MetricTracker()
        if self._patience is not None:
            self.summary.gaps.least_seconds = self._patience
        self._reader: RunReader | None = None
        self._waiting: StepBlock | None = None

    def take(self, rows: StepBlock) -> None:
        """Add rows, whose steps rise, to whatever is kept of them beside the verdict."""
        self.summary.add(rows)
        self._metrics.add(rows)

    @property
    def metrics(self) -> Mapping[str, MetricSummary]:
        """What its user's own metrics came to, by name of the column."""
        return self._metrics.summaries()

    def recall_metrics(self, known: Mapping[str, MetricSummary]) -> None:
        """Take over what they came to when the rows were read, which they are not now."""
        self._metrics = MetricTracker(known)

    @property
    def info(self) -> RunInfo | None:
        """What the run says of itself; ``None`` if that cannot be read."""
        return self.entry.info

    @property
    def name(self) -> str:
        """The run's path in the store: it tells runs of one name apart."""
        return self.entry.path.resolve().name if self.entry.key == "." else self.entry.key

    @property
    def age(self) -> float:
        """Seconds since its files were written, by the clock that they have."""
        return max(time.time() - self.entry.last_write, 0.0)

    @property
    def is_behind(self) -> bool:
        """Whether rows were read that are still to be judged."""
        return self._waiting is not None

    @property
    def is_resting(self) -> bool:
        """Whether only summary and verdict are kept."""
        return self._kept is not None

    @property
    def has_ended(self) -> bool:
        """Whether the run says that it has ended."""
        return self.info is not None and self.info.status != "running"

    @property
    def diagnosis(self) -> Diagnosis | None:
        """The verdict on the rows so far; ``None`` until they were read once."""
        if self._kept is not None:
            return self._kept
        n_rows = self.summary.n_rows
        is_old = self._known is None or self._known[0] != n_rows
        if is_old and self.judge is not None and not self.is_behind:
            self._known = n_rows, self.judge.diagnosis()
        return None if self._known is None else self._known[1]

    @property
    def state(self) -> RunState:
        """What the run does, by one rule for everybody."""
        if self.info is None:
            return "unreadable"
        if self.has_ended:
            return cast(RunState, self.info.status)
        return "silent" if self.is_silent else "running"

    @property
    def is_silent(self) -> bool:
        """Whether no row has come for longer than the run's way of working explains.

        A run that made all its planned steps may rest.
        """
        quiet, gaps = self.quiet_seconds, self.summary.gaps
        if self.has_ended or self._is_complete or quiet <= gaps.patience(is_dead=True):
            return False
        return quiet > gaps.patience(is_dead=False) or self.is_dead

    @property
    def quiet_seconds(self) -> float:
        """Seconds since the last row."""
        return self._clock() - self._row_at

    @property
    def is_dead(self) -> bool:
        """Whether the process that wrote the run is known to be gone without having ended it."""
        return not self.has_ended and writer_is_gone(self.entry.path)

    def relist(self, entry: RunEntry) -> None:
        """Take over what a new listing of the store says of the run."""
        self._is_relisted = True
        if entry != self.entry:
            self.version += 1
            if entry.problem or self.entry.problem:
                self.problem = entry.problem
            self.entry = entry

    def needs_work(self) -> bool:
        """Return whether there may be rows that were not judged yet."""
        if self._waiting is not None:
            return True
        if self.info is None or self._clock() < self._retry_at:
            return False
        is_recent = self._is_relisted and self.age < _COARSE_SECONDS
        return self.entry.last_write != self._read_at or is_recent

    def advance(self, *, max_rows: int | None = None, deadline: float = math.inf) -> list[News]:
        """Read and judge what is new; what cannot be read becomes `problem`.

        Parameters
        ----------
        max_rows
            Judge no more than so many; `is_behind` says whether others wait.
        deadline
            Time of `time.monotonic` at which to stop; some rows are judged in any case.

        Returns
        -------
        list
            What the judge's updates returned.
        """
        news: list[News] = []
        known = self._standing()
        try:
            self._advance(news, max_rows, deadline)
        except (LrwatchError, OSError) as error:
            self._waiting = None
            if isinstance(error, StorageError):  # its files say nothing of when to try again
                self._read_at = -math.inf
                self._retry_at = self._clock() + _OUTAGE_SECONDS
            self.problem = str(error) if isinstance(error, LrwatchError) else _said(error)
        except Exception as error:
            # Whatever this run has run into, the others are followed.
            logger.exception("lrwatch cannot judge the run at %s", self.entry.path)
            self.begin()
            self.has_failed, self._read_at = True, -math.inf
            self._retry_at = self._clock() + _RETRY_SECONDS
            self.problem = f"cannot be judged: {type(error).__name__}: {error}"
        self.version += known != self._standing()
        return news

    def is_settled(self) -> bool:
        """Return whether the run will hardly write again."""
        if self.info is None or self.age < _COARSE_SECONDS:
            return False
        return self.has_ended or self.age > _RESTING_SECONDS

    def can_rest(self) -> bool:
        """Return whether the run is judged and settled, so that summary and verdict suffice."""
        is_judged = not self.is_resting and self.diagnosis is not None
        return is_judged and not self.needs_work() and self.is_settled()

    def rest_on(self, summary: RunSummary, diagnosis: Diagnosis) -> None:
        """Keep only these, found here or earlier; should the run go on, it is read again."""
        metrics = self._metrics
        self.begin()
        self.summary, self._kept, self._metrics = summary, diagnosis, metrics
        self._read_at, self._is_relisted = self.entry.last_write, False
        self.version += 1

    @property
    def _is_complete(self) -> bool:
        planned = None if self.info is None else self.info.total_steps
        last = self.summary.last_step
        return planned is not None and last is not None and last + 1 >= planned

    def _standing(self) -> tuple[object, ...]:
        return self.problem, self.summary.n_rows, self.is_behind, self.judge is None

    def _advance(self, news: list[News], max_rows: int | None, deadline: float) -> None:
        waiting = self._read() if self._waiting is None else self._waiting
        n_left = len(waiting) if max_rows is None else min(max_rows, len(waiting))
        while n_left:
            self._waiting = waiting  # should this piece fail
            piece, waiting = waiting[: min(n_left, _SLICE)], waiting[min(n_left, _SLICE) :]
            n_left -= len(piece)
            for rows in rising(piece):
                self.take(rows)
                news += self._judge().update(rows)
            if time.monotonic() > deadline:
                break
        self._waiting = waiting if len(waiting) else None
        self._judge()

    def _read(self) -> StepBlock:
        is_first = math.isinf(self._read_at)
        self._read_at, self._is_relisted = self.entry.last_write, False
        reader = RunReader(self.entry.path) if self._reader is None else self._reader
        rows = reader.read_new()
        if self.is_resting and len(rows):  # it goes on: these are all of its rows
            self.begin()
            self._kept = None
        self._reader = reader
        self.problem, self.has_failed = self.entry.problem, False
        self.damage = reader.problem
        if len(rows):
            # Rows that were there before are as old as their file says.
            self._row_at = self._clock() - (self.age if is_first else 0.0)
        return rows

    def _judge(self) -> Judge[News]:
        if self.judge is None:
            info = self.info or RunInfo(self.entry.key, self.entry.key)
            self.judge = self._make_judge(info)
        return self.judge


def followed(
    path: str | os.PathLike[str], judge: Callable[[RunInfo], Judge[News]]
) -> FollowedRun[News]:
    """Return the follower of a run folder; no row is read yet.

    Raises
    ------
    RunNotFound, RunUnreadable
        If there is no run at `path`, or ``run.json`` cannot be read.
    """
    folder = Path(path)
    return FollowedRun(RunEntry(".", folder, read_run_info(folder), "", 0.0), judge)


def judged(entry: RunEntry, *, total_steps: int | None = None) -> FollowedRun[Any]:
    """Return a run of a store, read and judged as far as it is written.

    Parameters
    ----------
    total_steps
        Planned number of steps, where it is not what the run says itself.
    """
    run: FollowedRun[Any] = FollowedRun(
        entry, lambda info: Monitor(total_steps=total_steps or info.total_steps)
    )
    if entry.info is not None:
        run.advance()
    return run


def _said(error: OSError) -> str:
    name = Path(error.filename).name if isinstance(error.filename, str) else "a file"
    return f"{name} cannot be read: {error.strerror or error}"
