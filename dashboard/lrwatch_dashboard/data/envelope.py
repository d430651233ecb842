"""A long run in short: of each of a few hundred stretches the least and greatest of each column.

Kept while the rows come by to be judged, so that many long runs can be drawn over one another
without reading them again: twenty of a million steps would take ten seconds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from lrwatch.detect.schedule_name import is_constant
from lrwatch.following.loss_bins import LossBins
from lrwatch.records import FloatArray, StepBlock
from lrwatch_dashboard.data.smoothing import smooth
from lrwatch_dashboard.views import Curve, RunCurves

__all__ = ["LONG_RUN", "Envelope", "Outliner"]

LONG_RUN: Final = 100_000
"""Steps from which on an envelope is worth its 40 kB: shorter runs are read as quickly."""

_N_BINS: Final = 512
_COLUMNS: Final = ("loss", "lr", "grad_norm", "ratio")
_FEWEST_BINS: Final = 4  # in a half-life, so that means of bins smooth as rows do


@dataclass(frozen=True, slots=True, eq=False)
class Envelope:
    """Least and greatest values of equal stretches of a run.

    Attributes
    ----------
    width
        Steps of a stretch; the first one begins at step 0.
    last_step
        The last step of all.
    lows, highs
        Shape ``(4, n_stretches)``: loss, learning rate, gradient norm, update over weight; NaN
        where a stretch has no value.
    mean_loss
        Shape ``(n_stretches,)``; NaN where a stretch has no loss.
    """

    width: int
    last_step: int
    lows: FloatArray
    highs: FloatArray
    mean_loss: FloatArray

    def smooths(self, half_life: int) -> bool:
        """Return whether the loss can be smoothed so from the stretches alone."""
        return not half_life or half_life >= _FEWEST_BINS * self.width

    def curves(self, half_life: int, token: str) -> RunCurves:
        """Return the lines of the run; what only the Run page shows is left out."""
        loss, lr, grad_norm, ratio = (self._curve(i) for i in range(len(_COLUMNS)))
        return RunCurves(
            last_step=self.last_step,
            loss=loss,
            smooth_loss=self._smoothed(half_life) if half_life else loss,
            half_life=half_life,
            lr=(lr,),
            is_steady=is_constant(lr.y),
            grad_norm=grad_norm,
            clipped=None,
            update_ratio=ratio,
            broken=np.empty(0),
            n_broken=0,
            first_broken=None,
            stays_broken=False,
            resumes=(),
            window=None,
            token=token,
        )

    def _curve(self, column: int) -> Curve:
        seen = np.flatnonzero(np.isfinite(self.lows[column]))
        low, high = self.lows[column, seen], self.highs[column, seen]
        # Where the line rises the least comes first, so that a schedule is no saw.
        middle = (low + high) / 2
        rises = np.append(np.diff(middle) > 0, False)
        y = np.column_stack([np.where(rises, low, high), np.where(rises, high, low)]).ravel()
        x = (seen[:, None] + [0.25, 0.75]).ravel() * self.width
        return Curve(_COLUMNS[column], np.minimum(x, self.last_step), y)

    def _smoothed(self, half_life: int) -> Curve:
        seen = np.flatnonzero(np.isfinite(self.mean_loss))
        ends = np.minimum((seen + 1) * self.width - 1, self.last_step)
        means = smooth(self.mean_loss[seen], half_life / self.width)
        return Curve("smoothed", ends.astype(np.float64), means)


class Outliner:
    """Makes an envelope of rows as they come; when the stretches are full, each two become one."""

    def __init__(self) -> None:
        self._width = 1
        self._last = -1
        self._is_resumed = False
        self._lows = self._highs = np.empty((0, 0))
        self._means: LossBins | None = None

    def add(self, block: StepBlock) -> None:
        """Add rows, at least one, whose steps rise."""
        steps = block.step
        # Rows that are written again would have to be taken out of the stretches first.
        self._is_resumed |= bool(steps[0] <= self._last)
        self._last = max(self._last, int(steps[-1]))
        if self._is_resumed or steps[0] < 0:
            return
        if self._means is None:
            self._means = self._begin()
        while self._last // self._width >= _N_BINS:
            self._halve()
        self._means.add(block)
        bins = steps // self._width
        starts = np.flatnonzero(np.diff(bins, prepend=-1))
        places = bins[starts]
        for column, values in enumerate(_values(block)):
            finite = np.where(np.isfinite(values), values, np.nan)
            for kept, reduce in ((self._lows, np.fmin), (self._highs, np.fmax)):
                kept[column, places] = reduce(kept[column, places], reduce.reduceat(finite, starts))

    def envelope(self) -> Envelope | None:
        """Return the envelope; None of a run that is short, or was resumed at an earlier step."""
        if self._is_resumed or self._last < LONG_RUN or self._means is None:
            return None
        n = self._last // self._width + 1
        means = np.full(n, np.nan)
        means[(self._means.steps // self._width).astype(np.intp)] = self._means.means
        lows, highs = self._lows[:, :n].copy(), self._highs[:, :n].copy()
        return Envelope(self._width, self._last, lows, highs, means)

    def _begin(self) -> LossBins:
        # Not with the object: most runs of a store are known, and have no rows to come.
        self._lows = np.full((len(_COLUMNS), _N_BINS), np.nan)
        self._highs = self._lows.copy()
        return LossBins(bins=np.zeros((2, _N_BINS)))

    def _halve(self) -> None:
        half = _N_BINS // 2
        for kept, reduce in ((self._lows, np.fmin), (self._highs, np.fmax)):
            kept[:, :half] = reduce(kept[:, 0::2], kept[:, 1::2])
            kept[:, half:] = np.nan
        self._width *= 2


def _values(block: StepBlock) -> tuple[FloatArray, ...]:
    with np.errstate(all="ignore"):
        ratio = block.update_norm / block.param_norm
    return block.loss, block.lr, block.grad_norm, ratio
