"""When the steps of a run ended, from few enough pairs to keep them for thousands of runs."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from lrwatch_dashboard.data.extremes import Extremes
from lrwatch_dashboard.views import StepTimes

__all__ = ["Stopwatch"]

_N_BINS: Final = 126  # of two pairs each
_MICROSECONDS: Final = 1e6


class Stopwatch:
    """Keeps a few hundred steps with their times.

    A run that is resumed goes on at the time of the step before, so that the pause does not
    count; a clock that was set back stands still until it is past where it was.
    """

    def __init__(self) -> None:
        self._pairs = Extremes(_N_BINS)  # steps, and microseconds since the start
        self._last: tuple[float, float] | None = None
        self._origin = 0.0

    def add(self, step: npt.NDArray[np.int64], time: npt.NDArray[np.int64]) -> None:
        """Add steps, which rise, and when they ended, in microseconds since the Unix epoch."""
        step, time = step[time > 0], time[time > 0]
        if not len(step):
            return
        if self._last is None:
            self._origin = float(time[0])
        elif step[0] <= self._last[0]:
            self._rewind(float(step[0]), float(time[0]))
        before = 0.0 if self._last is None else self._last[1]
        elapsed = np.maximum(np.maximum.accumulate(time - self._origin), before)
        self._pairs.add(step.astype(np.float64), elapsed)
        self._last = (float(step[-1]), float(elapsed[-1]))

    def clock(self) -> StepTimes:
        """Return what is known so far."""
        steps, elapsed = self._pairs.points()
        return StepTimes(steps, elapsed / _MICROSECONDS)

    def _rewind(self, step: float, time: float) -> None:
        """Forget what is written again, and let its time follow on what stays."""
        steps, elapsed = self._pairs.points()
        kept = steps < step
        self._pairs = Extremes(_N_BINS)
        self._pairs.add(steps[kept], elapsed[kept])
        before = float(elapsed[kept][-1]) if kept.any() else 0.0
        self._origin = time - before
        self._last = (step - 1, before)
