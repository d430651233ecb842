"""When the rows of a run stopped coming: after many times its usual gap between two steps."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np

from lrwatch.records import FloatArray, StepBlock

__all__ = ["PATIENCE_SECONDS", "Clock", "Gaps", "steady_clock"]

PATIENCE_SECONDS: Final = 300.0
"""Rows are waited for at least so long, where the process may still be there."""

_TIMES_USUAL: Final = 20.0
"""So many usual gaps without a row are too many."""

_TIMES_LONGEST: Final = 3.0
"""So many times the longest gap that was seen, since evaluation comes again."""

_MOST_LEARNT: Final = 10.0
"""A gap counts as no longer than so many times what was waited for: an outage is not usual."""

_SETTLED: Final = 10
"""Rows before which a run may still compile, or fill its caches."""

_START_SECONDS: Final = 1800.0
_DEAD_SECONDS: Final = 30.0
_MEMORY_ROWS: Final = 1000

Clock = Callable[[], float]
"""Returns seconds since the Unix epoch."""


@dataclass(slots=True)
class Gaps:
    """How long a run takes from row to row, in memory that does not grow with it.

    Attributes
    ----------
    least_seconds
        What is waited for at least.
    n_rows
        Rows so far.
    usual
        Seconds between two recent rows; 0 where unknown.
    longest
        Greatest number of seconds between two rows that belongs to the run's way of working.
    """

    least_seconds: float = PATIENCE_SECONDS
    n_rows: int = 0
    usual: float = 0.0
    longest: float = 0.0
    n_remembered: int = 0
    last_step: int = -1
    last_time: float = 0.0

    def add(self, rows: StepBlock) -> None:
        """Learn from the next rows, whose steps rise; those without a time tell nothing."""
        times = rows.time[rows.time > 0] / 1e6
        # A step back is a resumed run, a time back is a clock that was set: neither is a gap.
        if self.last_time and self.n_rows and rows.step[0] > self.last_step:
            times = np.concatenate(([self.last_time], times))
        self.n_rows += len(rows)
        self.last_step = int(rows.step[-1])
        if len(times):
            gaps = np.diff(times)
            self._learn(gaps[gaps >= 0])
            self.last_time = float(times[-1])

    def patience(self, *, is_dead: bool) -> float:
        """Return for how many seconds the next row is waited for.

        Parameters
        ----------
        is_dead
            The process that wrote the run is known to be gone.
        """
        if is_dead:
            return max(_DEAD_SECONDS, _TIMES_USUAL * self.usual)
        if self.n_rows < _SETTLED or not self.usual:
            return max(_START_SECONDS, self.least_seconds)
        return max(self.least_seconds, self._expected())

    def _learn(self, gaps: FloatArray) -> None:
        if not len(gaps):
            return
        weight = len(gaps) / (len(gaps) + self.n_remembered)
        self.usual += weight * (float(np.median(gaps)) - self.usual)
        self.n_remembered = min(self.n_remembered + len(gaps), _MEMORY_ROWS)
        most = _MOST_LEARNT * max(self.least_seconds, self._expected())
        self.longest = max(self.longest, min(float(gaps.max()), most))

    def _expected(self) -> float:
        return max(_TIMES_USUAL * self.usual, _TIMES_LONGEST * self.longest)


def steady_clock() -> Clock:
    """Return a clock that starts at the time of day and goes on whatever is done to that one.

    Waiting times are measured by it: a clock that is set back repeats nothing, one that is
    set forward loses nothing.
    """
    ahead = time.time() - time.monotonic()
    return lambda: time.monotonic() + ahead
