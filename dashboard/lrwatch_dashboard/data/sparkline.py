"""The small loss curve of the table, kept up to date in constant memory."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["Sparkline"]

FloatArray = npt.NDArray[np.float64]

_N_BINS: Final = 64
_TOP: Final = 99
_HUGE: Final = 1e100  # sums of values up to here stay finite


class Sparkline:
    """Mean loss in equal bins of steps; when the bins are full, each two become one.

    Means of the loss and of its logarithm are kept; the second is drawn if every loss was
    positive, as in the large chart.

    Parameters
    ----------
    n_bins
        How many, an even number.
    """

    def __init__(self, n_bins: int = _N_BINS) -> None:
        self._n_bins = n_bins
        self._width = 1
        self._least = np.inf
        # Rows: sum of losses, sum of logarithms, number of losses.
        self._bins = np.zeros((3, n_bins))

    def add(self, step: npt.NDArray[np.int64], loss: npt.NDArray[np.float64]) -> None:
        """Take in new steps; a loss that is not finite leaves a gap."""
        drawn = np.isfinite(loss) & (step >= 0)
        step, loss = step[drawn], loss[drawn]
        if not len(step):
            return
        self._least = min(self._least, float(loss.min()))
        while int(step.max()) // self._width >= self._n_bins:
            self._halve()
        bins = step // self._width
        logs = np.log(np.maximum(loss, np.finfo(np.float64).tiny))
        for row, weights in enumerate((np.clip(loss, -_HUGE, _HUGE), logs, np.ones_like(loss))):
            self._bins[row] += np.bincount(bins, weights, self._n_bins)

    def heights(self) -> tuple[int | None, ...]:
        """Return the curve as whole numbers from 0 to 99, None where there is a gap."""
        sums = self._bins[1] if self._least > 0 else self._bins[0]
        counts = self._bins[2]
        used = np.flatnonzero(counts)
        if not len(used):
            return ()
        means = sums[used] / counts[used]
        low, high = float(means.min()), float(means.max())
        heights: list[int | None] = [None] * (int(used[-1]) + 1)
        for place, mean in zip(used.tolist(), means.tolist(), strict=True):
            share = (mean - low) / (high - low) if high > low else 0.5
            heights[place] = round(share * _TOP)
        return tuple(heights)

    def points(self) -> tuple[FloatArray, FloatArray]:
        """Return the middle steps and the mean losses of the bins that hold a loss."""
        counts = self._bins[2]
        used = np.flatnonzero(counts)
        sums = self._bins[1] if self._least > 0 else self._bins[0]
        means = np.asarray(sums[used] / counts[used], dtype=np.float64)
        steps = np.asarray(used * self._width + (self._width - 1) / 2, dtype=np.float64)
        return steps, np.exp(means, out=means) if self._least > 0 else means

    def _halve(self) -> None:
        half = self._n_bins // 2
        self._bins[:, :half] = self._bins[:, 0::2] + self._bins[:, 1::2]
        self._bins[:, half:] = 0.0
        self._width *= 2
