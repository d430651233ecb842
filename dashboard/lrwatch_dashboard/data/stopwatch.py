"""When the steps of a run ended, from few enough pairs to keep them for thousands of runs."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from lrwatch_dashboard.views import StepTimes

__all__ = ["Stopwatch"]

_MOST: Final = 256
_MICROSECONDS: Final = 1e6


class Stopwatch:
    """Keeps every so many steps with its time; when there are too many, every second of them.

    A run that is resumed goes on at the time of the step before, so that the pause does not
    count; a clock that was set back stands still until it is past where it was.
    """

    def __init__(self) -> None:
        self._pairs = np.empty((2, 0))
        self._every = 1
        self._n_seen = 0
        self._last: tuple[float, float] | None = None  # step, and microseconds since the start
        self._origin = 0.0

    def add(self, step: npt.NDArray[np.int64], time: npt.NDArray[np.int64]) -> None:
        """Add steps, which rise, and when they ended, in microseconds since the Unix epoch."""
        known = time > 0
        if known.any():
            self._append(step[known].astype(np.float64), time[known])

    def clock(self) -> StepTimes:
        """Return what is known so far."""
        pairs = self._pairs
        if self._last is not None and (not pairs.size or self._last[0] > pairs[0, -1]):
            pairs = np.column_stack([pairs, self._last])
        return StepTimes(pairs[0], pairs[1] / _MICROSECONDS)

    def _append(self, step: npt.NDArray[np.float64], time: npt.NDArray[np.int64]) -> None:
        if self._last is None:
            self._origin = float(time[0])
        elif step[0] <= self._last[0]:
            self._rewind(float(step[0]), float(time[0]))
        elapsed = np.maximum.accumulate(time - self._origin)
        if self._last is not None:
            elapsed = np.maximum(elapsed, self._last[1])
        chosen = np.flatnonzero((self._n_seen + np.arange(len(step))) % self._every == 0)
        self._n_seen += len(step)
        self._pairs = np.column_stack([self._pairs, [step[chosen], elapsed[chosen]]])
        self._last = (float(step[-1]), float(elapsed[-1]))
        while self._pairs.shape[1] > _MOST:
            self._pairs = self._pairs[:, ::2]
            self._every *= 2

    def _rewind(self, step: float, time: float) -> None:
        """Forget what is written again, and let its time follow on what stays."""
        kept = self._pairs[0] < step
        self._pairs = self._pairs[:, kept]
        before = float(self._pairs[1, -1]) if kept.any() else 0.0
        self._origin = time - before
        self._last = (step - 1, before)
