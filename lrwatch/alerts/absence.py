"""When the rows of a run stopped coming: after many times its usual gap between two steps."""

from __future__ import annotations

from typing import Final

import numpy as np

from lrwatch.records import FloatArray, StepBlock

__all__ = ["Gaps"]

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


class Gaps:
    """How long a run takes from row to row, in memory that does not grow with it.

    Parameters
    ----------
    least_seconds
        What is waited for at least.

    Attributes
    ----------
    n_rows
        Rows so far.
    usual
        Seconds between two rows, lately; 0 where unknown.
    longest
        Greatest number of seconds between two rows that belongs to the run's way of working.
    """

    def __init__(self, least_seconds: float) -> None:
        self.least_seconds = least_seconds
        self.n_rows = 0
        self.usual = 0.0
        self.longest = 0.0
        self._n_remembered = 0
        self._last: tuple[int, float] | None = None

    def update(self, rows: StepBlock) -> None:
        """Take note of the next rows; those without a time tell nothing."""
        has_time = rows.time > 0
        steps, times = rows.step[has_time], rows.time[has_time] / 1e6
        if self._last is not None:
            steps = np.concatenate(([self._last[0]], steps))
            times = np.concatenate(([self._last[1]], times))
        self.n_rows += len(rows)
        if not len(times):
            return
        # A step back is a resumed run, a time back is a clock that was set: neither is a gap.
        gaps = np.diff(times)[np.diff(steps) > 0]
        self._learn(gaps[gaps >= 0])
        self._last = int(steps[-1]), float(times[-1])

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
        weight = len(gaps) / (len(gaps) + self._n_remembered)
        self.usual += weight * (float(np.median(gaps)) - self.usual)
        self._n_remembered = min(self._n_remembered + len(gaps), _MEMORY_ROWS)
        most = _MOST_LEARNT * max(self.least_seconds, self._expected())
        self.longest = max(self.longest, min(float(gaps.max()), most))

    def _expected(self) -> float:
        return max(_TIMES_USUAL * self.usual, _TIMES_LONGEST * self.longest)
