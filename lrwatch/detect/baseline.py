"""What a run's loss is like while it is well: its best level, and how far noise alone takes it.

Levels of groups of four rows are kept in at most 64 bins of equal width, which doubles when they
are full. The best level is so that of a stretch, which grows with the run: the least of all moments
would sink for as long as one looks.

Own, but for noise from differences: von Neumann, Ann. Math. Stat. 12 (1941).

>>> level = 1 + 0.1 * np.random.default_rng(0).standard_normal(10_000)
>>> usual = Baseline()
>>> for value in level:
...     _ = usual.add(value, jitter=0.2, jitter_over_two=0.2)
>>> round(float(np.min(level)), 2), round(float(usual.best), 2)
(0.61, 0.99)
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from lrwatch.records import FloatArray

__all__ = ["Baseline"]

CAPACITY: Final = 64
"""Bins at most; after the first doubling there are always at least half as many."""

NOISE_WEIGHT: Final = 1 - 0.5 ** (1 / 8)  # a half-life of 8 groups
SMOOTHNESS_WEIGHT: Final = 1 - 0.5 ** (1 / 16)

SIGMA: Final = math.sqrt(math.pi) / 2
"""Mean |difference of two independent normal values| to their standard deviation."""

PEAKED: Final = math.sqrt(1.5 / (2 * math.pi))
"""Mean height of a value above the middle of its neighbours, taken as 0 where it lies below, in
standard deviations of independent normal values."""

OCTAVES: Final = 1.5
"""What the squares of the noise over 1, 2, 4... bins add up to for independent values, about."""

SMOOTH: Final = 0.2
"""Correlation of neighbouring losses from which on their differences show too little noise."""

SMOOTHEST: Final = 0.97
"""Correlation that is not exceeded: a steady fall looks like more."""

FEW: Final = 6.0
"""What is added to the noise of a smooth loss, over the root of the number of groups, for it has
few independent values to be learnt from."""

EACH: Final = 16
"""Bins up to which the spread is brought up to date with each, and then with every fourth."""


class Baseline:
    """Learns from groups in which a run is not lost; its size does not grow with the run.

    Attributes
    ----------
    best
        Least level of the loss: of bins, or of medians of three while a bin is a single group.
    noise
        Standard deviation of a single loss from step to step.
    spread
        Standard deviation of a group's level by noise that lasts: what moving averages, the order
        of the data or slow wandering leave in it.
    """

    def __init__(self) -> None:
        self.best = math.inf
        self.noise = 0.0
        self.spread = 0.0
        self._bins: list[float] = []
        self._width = 1  # groups
        self._sum, self._filled, self._n_groups = 0.0, 0, 0
        self._jitter, self._jitter_over_two = 0.0, 0.0

    def add(self, level: float, jitter: float, jitter_over_two: float) -> bool:
        """Take the next group; return whether it completed a bin.

        Parameters
        ----------
        level
            Its loss.
        jitter, jitter_over_two
            Mean change of the loss over one step and over two; NaN if unknown.
        """
        self.take([level], [jitter], [jitter_over_two])
        if self._filled < self._width:
            return False
        self._bins.append(self._sum)
        self._sum, self._filled = 0.0, 0
        if len(self._bins) == CAPACITY:
            pairs = zip(self._bins[::2], self._bins[1::2], strict=True)
            self._bins = [first / 2 + second / 2 for first, second in pairs]
            self._width *= 2
        self.best = min(self._bins) if self._width > 1 else self._least_median()
        if len(self._bins) <= EACH or len(self._bins) % 4 == 0:
            few = 1 + FEW / math.sqrt(self._n_groups)
            spread = max(few * self._smooth_noise(), _wandering(np.array(self._bins)))
            self.spread = spread if math.isfinite(spread) else math.inf
        return True

    @property
    def floor(self) -> float:
        """Below which the best cannot come to lie, unless levels to come do."""
        unfinished = self._sum / self._filled * self._width if self._filled else math.inf
        return min([unfinished, *self._bins])

    @property
    def room(self) -> int:
        """How many more groups complete the bin."""
        return self._width - self._filled

    def take(self, levels: list[float], jitters: list[float], over_twos: list[float]) -> None:
        """Take groups that complete no bin, as `add` does."""
        total, width = self._sum, self._width
        for level in levels:
            total += level / width
        self._sum = total
        self._filled += len(levels)
        self._n_groups += len(levels)
        self._learn_noise(jitters, over_twos)

    def start_again(self, best: float) -> None:
        """Forget every level but the best one: the run goes on from an earlier point."""
        self._bins, self.best = [best] * 3, best
        self._sum, self._filled = 0.0, 0

    def _least_median(self) -> float:
        """Least median of three neighbours, for a single group may be low by luck."""
        last = sorted(self._bins[-3:])
        median = last[len(last) // 2]
        return median if len(self._bins) <= 3 else min(self.best, median)  # noqa: PLR2004

    def _learn_noise(self, jitters: list[float], over_twos: list[float]) -> None:
        noise, over_one, over_two = self.noise, self._jitter, self._jitter_over_two
        for jitter, jitter_over_two in zip(jitters, over_twos, strict=True):
            if not jitter + jitter_over_two < math.inf:
                continue
            sigma = SIGMA * jitter
            if noise and sigma > 4 * noise:  # one wild group counts for no more than four quiet
                sigma = 4 * noise
            noise = noise + NOISE_WEIGHT * (sigma - noise) if noise else sigma
            # From 0 on, so that the first groups, over which a loss falls most, count for little.
            over_one += SMOOTHNESS_WEIGHT * (jitter - over_one)
            over_two += SMOOTHNESS_WEIGHT * (jitter_over_two - over_two)
        self.noise, self._jitter, self._jitter_over_two = noise, over_one, over_two

    def _smooth_noise(self) -> float:
        """Noise of a group's level, if each loss is the one before, in part, and something new."""
        if not self._jitter > 0:
            return 0.0
        ratio = self._jitter_over_two / self._jitter
        r = min(ratio * ratio - 1, SMOOTHEST)
        if r < SMOOTH:
            return 0.0
        of_four = (1 + 1.5 * r + r**2 + 0.5 * r**3) / 4  # variance of their mean to that of one
        return SIGMA * self._jitter * math.sqrt(of_four / (1 - r))


def _wandering(bins: FloatArray) -> float:
    """Noise at all scales from one bin up, from how far stretches rise above both neighbours.

    A loss that falls ever more slowly does so nowhere.
    """
    ends = np.concatenate([[0.0], np.cumsum(bins)])
    total, width = 0.0, 1
    while 3 * width + 2 <= len(bins):
        mean = (ends[width:] - ends[:-width]) / width
        above = mean[width:-width] - (mean[: -2 * width] + mean[2 * width :]) / 2
        total = math.hypot(total, float(np.maximum(above, 0.0).mean()) / PEAKED)
        width *= 2
    return total / math.sqrt(OCTAVES)
