"""The numbers and small curves of a run, kept up to date as its rows come."""

from __future__ import annotations

from collections import deque
from typing import Final

import numpy as np

from lrwatch.records import FloatArray, StepBlock
from lrwatch.verdicts import Diagnosis
from lrwatch_dashboard.data.envelope import Outliner
from lrwatch_dashboard.data.finding import Finding
from lrwatch_dashboard.data.sparkline import Sparkline
from lrwatch_dashboard.data.stopwatch import Stopwatch
from lrwatch_dashboard.views import Curve

__all__ = ["Tally"]

_N_GAPS: Final = 200
_MICROSECONDS: Final = 1e6


class Tally:
    """Takes in rows, and says what they come to; its size does not grow with the run."""

    def __init__(self) -> None:
        self.n_steps = 0
        self._first_step: int | None = None
        self._last_step: int | None = None
        self._peak_lr: float | None = None
        self._best_loss: float | None = None
        self._is_broken = False
        self._sparkline = Sparkline()
        self._stopwatch = Stopwatch()
        self._outliner = Outliner()
        self._times: deque[int] = deque(maxlen=_N_GAPS)

    def add(self, block: StepBlock) -> None:
        """Take in new rows, at least one."""
        if self._first_step is None:
            self._first_step = int(block.step[0])
        self._last_step = int(block.step[-1])
        # By number and not by row: a resumed run writes some steps again.
        self.n_steps = max(self._last_step + 1 - self._first_step, 0)
        self._peak_lr = _greatest(self._peak_lr, block.lr)
        finite = block.loss[np.isfinite(block.loss)]
        if len(finite):
            least = float(finite.min())
            self._best_loss = least if self._best_loss is None else min(self._best_loss, least)
        self._is_broken |= len(finite) < int(block.loss_seen.sum())
        self._sparkline.add(block.step, block.loss)
        self._stopwatch.add(block.step, block.time)
        self._outliner.add(block)
        self._times.extend(block.time[-_N_GAPS:].tolist())

    @property
    def usual_gap(self) -> float | None:
        """The median time between late steps in seconds; None if unknown."""
        times = np.array([t for t in self._times if t > 0])
        return float(np.median(np.diff(times))) / _MICROSECONDS if len(times) > 1 else None

    def finding(self, diagnosis: Diagnosis | None) -> Finding:
        """Return what the rows come to, with the verdict on them."""
        return Finding(
            n_steps=self.n_steps,
            last_step=self._last_step,
            peak_lr=self._peak_lr,
            best_loss=self._best_loss,
            is_broken=self._is_broken,
            usual_gap=self.usual_gap,
            heights=self._sparkline.heights(),
            outline=Curve("loss", *self._sparkline.points()),
            clock=self._stopwatch.clock(),
            envelope=self._outliner.envelope(),
            diagnosis=diagnosis,
        )


def _greatest(known: float | None, values: FloatArray) -> float | None:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return known
    greatest = float(finite.max())
    return greatest if known is None else max(known, greatest)
