"""Fast test for a loss that has left its best and stays away: fires within a few steps."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from lrwatch.detect.groups import MINIMA, SUMS, Groups

__all__ = ["LOST", "NOISES", "Divergence"]

NEIGHBOURS: Final = 3
"""Neighbouring groups of rows that must all lie above the line."""

LOST: Final = 0.3
"""Share of the decrease so far that must be lost."""

NOISES: Final = 2.0
"""Distance from the best, in standard deviations of a single loss."""

NOISE_HALF_LIFE: Final = 8  # groups
_WEIGHT: Final = 1 - 0.5 ** (1 / NOISE_HALF_LIFE)
_SIGMA: Final = math.sqrt(math.pi) / 2  # of |difference| to standard deviation, normal values
_LOSS, _LOSS_N, _DIFF, _DIFF_N = map(SUMS.index, ("loss", "loss_n", "diff1", "diff_n"))
_FIRST: Final = MINIMA.index("first_step")


class Divergence:
    """Compares the last groups of four rows with the best level reached so far.

    It fires when `NEIGHBOURS` neighbouring groups all lie above the best by `LOST` of the
    decrease from the start to the best and by `NOISES` standard deviations. The noise is
    learnt only while the run is not above that line, so that a divergence does not hide in
    the noise it makes. A spike of one or two groups never fires.

    Attributes
    ----------
    since
        Step from which the run is lost; ``None`` while it is not.
    """

    def __init__(self) -> None:
        self.since: int | None = None
        self._start = math.nan
        self._best = math.inf
        self._noise = math.nan
        self._levels: list[float] = []
        self._steps: list[int] = []

    def advance(self, groups: Groups) -> tuple[int, bool]:
        """Look at the next groups, up to the first at which the run is lost.

        Returns
        -------
        n_groups, fired
            How many groups were looked at, and whether the last of them fired.
        """
        n_loss, n_diff = groups.sums[:, _LOSS_N], groups.sums[:, _DIFF_N]
        level = groups.sums[:, _LOSS] / np.where(n_loss > 0, n_loss, np.nan)
        jitter = groups.sums[:, _DIFF] / np.where(n_diff > 0, n_diff, np.nan)
        step = groups.minima[:, _FIRST]
        rows = zip(level.tolist(), jitter.tolist(), step.tolist(), strict=True)
        for k, (loss, moves, first) in enumerate(rows):
            if loss == loss and self._fires(loss, moves, int(first)):  # noqa: PLR0124  not NaN
                return k + 1, True
        return len(groups), False

    def _fires(self, level: float, jitter: float, step: int) -> bool:
        if not self._levels and math.isnan(self._start):
            self._start = self._best = level
        noise = 0.0 if math.isnan(self._noise) else self._noise
        line = self._best + max(LOST * (self._start - self._best), NOISES * noise)
        if level <= line:
            self._learn_noise(jitter)
        self._levels = [*self._levels[1 - NEIGHBOURS :], level]
        self._steps = [*self._steps[1 - NEIGHBOURS :], step]
        if len(self._levels) < NEIGHBOURS:
            return False
        self._best = min(self._best, sorted(self._levels)[NEIGHBOURS // 2])
        return self._changes_state(line)

    def _changes_state(self, line: float) -> bool:
        if self.since is not None:
            self.since = self.since if max(self._levels) > line else None
            return False
        if min(self._levels) <= line:
            return False
        self.since = self._steps[0]
        return True

    def _learn_noise(self, jitter: float) -> None:
        sigma = _SIGMA * jitter
        if math.isnan(self._noise):
            self._noise = sigma
        elif not math.isnan(sigma):  # one wild group counts for no more than four quiet ones
            self._noise += _WEIGHT * (min(sigma, 4 * self._noise) - self._noise)

    def restart(self, best: float) -> None:
        """Forget the last groups: the run goes on from an earlier point."""
        self.since = None
        self._levels, self._steps = [], []
        self._best = best if math.isfinite(best) else self._best
