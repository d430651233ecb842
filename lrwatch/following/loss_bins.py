"""The loss of a run in bounded memory: sums over equal stretches of steps.

When the stretches are too many, each two become one. What is asked of them, at any step that the
run has passed, is the same whoever asks: where a run ended has one answer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from lrwatch.records import FloatArray, StepBlock

__all__ = ["N_BINS", "TAIL", "LossBins"]

TAIL: Final = 16
"""The loss at a step is the mean over the last sixteenth of the steps up to there."""

N_BINS: Final = 256
"""At the end of a long run its last sixteenth is eight bins at least."""

_RISE: Final = 0.4
"""Share of a small picture that a loss takes which rose by more than it ever fell."""

_HUGE: Final = 1e290
"""Sums of so large losses stay finite."""


@dataclass(slots=True, eq=False)
class LossBins:
    """Sum and number of finite losses in stretches of `width` steps, from the first step on.

    Attributes
    ----------
    first
        Number of the first step; ``None`` before it.
    width
        Steps a bin.
    least
        Smallest loss so far; infinite without one.
    last, last_finite
        Number of the last step, and of the last one with a finite loss.
    ends_broken
        The last loss is not finite.
    bins
        Sums and counts, shape ``(2, n_bins)``, `n_bins` even.
    """

    first: int | None = None
    width: int = 1
    least: float = math.inf
    last: int = -1
    last_finite: int = -1
    ends_broken: bool = False
    bins: FloatArray = field(default_factory=lambda: np.zeros((2, N_BINS)))

    def add(self, rows: StepBlock) -> None:
        """Add rows whose steps rise; steps that come again replace what was there."""
        step, loss = rows.step, rows.loss
        if self.first is None or step[0] < self.first:
            self.first, self.width = int(step[0]), 1
            self.bins = np.zeros_like(self.bins)
        elif step[0] <= self.last:
            self.bins[:, -((int(step[0]) - self.first) // -self.width) :] = 0.0
        self.last = int(step[-1])
        finite = np.isfinite(loss)
        counts = rows.loss_seen & ~rows.skipped  # a skipped step overflowed, and was not taken
        if counts.any():
            self.ends_broken = not finite[np.flatnonzero(counts)[-1]]
        if finite.any():
            # Unsigned: the distance of two steps may be greater than any step.
            first = np.uint64(self.first % 2**64)
            self._add(step[finite].astype(np.uint64) - first, loss[finite])
            self.last_finite = int(step[finite][-1])

    @property
    def steps(self) -> FloatArray:
        """The middle of each bin that holds a loss, shape ``(n_bins,)``."""
        begin = self._used() * self.width + (self.first or 0)
        return np.asarray(begin + (self.width - 1) / 2, dtype=np.float64)

    @property
    def means(self) -> FloatArray:
        """The mean loss of each bin that holds one, shape ``(n_bins,)``."""
        used = self._used()
        return np.asarray(self.bins[0, used] / self.bins[1, used], dtype=np.float64)

    def heights(self, n: int, top: int) -> tuple[int | None, ...]:
        """Return a small picture of the curve: `n` whole numbers from 0 to `top` at most.

        It goes from the first step to the last one, whether that had a loss or not. Logarithms are
        drawn where every loss was positive; ``None`` is a gap. Of a loss that rose far above where
        it began the rise is drawn smaller, so that what was before it is seen as well.
        """
        used = self._used()
        if not len(used):
            return ()
        n_bins = max(int(used[-1]), (self.last - (self.first or 0)) // self.width) + 1
        group = 1
        while (n_bins - 1) // group >= n:
            group *= 2
        sums, counts = self.bins.reshape(2, -1, group).sum(axis=2)
        used = np.flatnonzero(counts)
        means = sums[used] / counts[used]
        if self.least > 0:
            means = np.log(np.maximum(means, np.finfo(np.float64).tiny))
        shares = _shares(means)
        heights: list[int | None] = [None] * ((n_bins - 1) // group + 1)
        for place, share in zip(used.tolist(), shares.tolist(), strict=True):
            heights[place] = round(share * top)
        return tuple(heights)

    def loss_at(self, step: int | None = None) -> float | None:
        """Return where the run was at a step: the mean over the last sixteenth of its steps.

        Runs of up to 256 steps are averaged exactly, longer ones in whole bins, of which a
        sixteenth has eight at least.

        Parameters
        ----------
        step
            ``None`` for the last one.

        Returns
        -------
        float or None
            ``None`` where the run has no loss, or the loss broke and did not come back.
        """
        if self.first is None:
            return None
        end = self.last if step is None else min(step, self.last)
        if end < self.first or (self.ends_broken and end > self.last_finite):
            return None
        n_steps = end - self.first + 1
        begin = n_steps - max(n_steps // TAIL, 1)
        tail = slice(begin // self.width, (n_steps - 1) // self.width + 1)
        total, n = self.bins[:, tail].sum(axis=1)
        return float(total / n) if n else None

    def best(self) -> float | None:
        """Return the least mean over one bin: less than one lucky batch, more than the end."""
        means = self.means
        return float(means.min()) if len(means) else None

    def _add(self, place: npt.NDArray[np.uint64], loss: FloatArray) -> None:
        self.least = min(self.least, float(loss.min()))
        while int(place[-1]) // self.width >= self.bins.shape[1]:
            half = self.bins.shape[1] // 2
            self.bins[:, :half] = self.bins[:, 0::2] + self.bins[:, 1::2]
            self.bins[:, half:] = 0.0
            self.width *= 2
        bins = (place // np.uint64(self.width)).astype(np.intp)
        self.bins[0] += np.bincount(bins, np.clip(loss, -_HUGE, _HUGE), self.bins.shape[1])
        self.bins[1] += np.bincount(bins, minlength=self.bins.shape[1])

    def _used(self) -> npt.NDArray[np.intp]:
        return np.flatnonzero(self.bins[1])


def _shares(means: FloatArray) -> FloatArray:
    """Return heights from 0 to 1; a rise beyond all that came before the least takes the top."""
    lowest = int(means.argmin())
    low, before, high = (float(x) for x in (means.min(), means[: lowest + 1].max(), means.max()))
    if not high > low:
        return np.full(len(means), 0.5)
    if lowest == 0 or high - before <= before - low:
        return (means - low) / (high - low)
    places = [low, before, high]
    return np.asarray(np.interp(means, places, [0.0, 1.0 - _RISE, 1.0]), dtype=np.float64)
