"""Divergence: the loss has left its best level, by more than noise, and stays away.

Source: Page, Continuous inspection schemes, Biometrika 41 (1954), simplified: neighbouring groups
above a line instead of a sum; noise from differences, von Neumann, Ann. Math. Stat. 12 (1941).

>>> from lrwatch.detect.groups import summarise
>>> from lrwatch.tables import step_block
>>> def found(loss):
...     rows = step_block({"step": np.arange(200), "loss": loss, "lr": np.ones(200)})
...     test = Divergence()
...     n_groups, fired = test.advance(summarise(rows, np.ones(200), np.full(2, np.nan)))
...     return fired, 4 * n_groups, test.since
>>> fine = 1 + np.exp(-np.arange(200) / 20)
>>> found(fine + np.where(np.arange(200) < 100, 0, 0.5))  # lost at step 100, found at 108
(True, 108, 100)
>>> found(fine + np.where(np.arange(200) == 100, 50, 0))  # a spike
(False, 200, None)
"""

from __future__ import annotations

import math
from collections import deque
from typing import Final

import numpy as np

from lrwatch.detect.groups import Groups

__all__ = ["LOST", "NOISES", "Divergence"]

NEIGHBOURS: Final = 2
"""Neighbouring groups of rows that must all lie above the line."""

LASTING: Final = 3
"""Neighbouring groups that must lie above it where nothing else bears it out."""

BACK: Final = 3
"""Groups running that must lie below it, for the run to have come back."""

PAUSE: Final = 1 / 32
"""Share of new groups before the test fires again: what it asks for costs as much as a look."""

LOST: Final = 0.3
"""Share of the decrease so far that must be lost."""

NOISES: Final = 2.0
"""Distance from the best, in standard deviations of a single loss."""

NOISE_HALF_LIFE: Final = 8  # groups
_WEIGHT: Final = 1 - 0.5 ** (1 / NOISE_HALF_LIFE)
_SIGMA: Final = math.sqrt(math.pi) / 2  # of |difference| to standard deviation, normal values


class Divergence:
    """Compares the last groups of four rows with the best level reached so far.

    It fires when `NEIGHBOURS` neighbouring groups all lie above the best by `LOST` of the
    decrease from the start to the best and by `NOISES` standard deviations, and ever more rarely
    as long as they do. The noise is learnt only while the run is not above that line, so that a
    divergence does not hide in the noise it makes. A spike within a group never fires.

    Attributes
    ----------
    since
        Step from which the run is lost; ``None`` while it is not.
    has_lasted
        Whether `LASTING` groups running were above the line since then.
    lost
        By how much the lower of the last two groups lies above the best; 0 unless it is lost.
    """

    def __init__(self) -> None:
        self.since: int | None = None
        self.has_lasted = False
        self.lost = 0.0
        self._n_above = 0
        self._n_groups = 0
        self._next = 0
        self._start = math.nan
        self._best = math.inf
        self._noise = 0.0
        self._recent: deque[tuple[float, int]] = deque(maxlen=BACK)

    def advance(self, groups: Groups) -> tuple[int, bool]:
        """Look at the next groups, up to the first at which the run seems lost.

        Returns
        -------
        n_groups, fired
            How many groups were looked at, and whether the last of them fired.
        """
        n_loss, n_diff = groups.field("loss_n"), groups.field("diff_n")
        level = groups.field("loss") / np.where(n_loss > 0, n_loss, np.nan)
        jitter = groups.field("diff1") / np.where(n_diff > 0, n_diff, np.nan)
        step = groups.field("first_step").astype(np.int64)
        rows = zip(level.tolist(), jitter.tolist(), step.tolist(), strict=True)
        for k, (loss, moves, first) in enumerate(rows):
            if loss == loss and self._fires(loss, moves, first):  # noqa: PLR0124  not NaN
                return k + 1, True
        return len(groups), False

    def _fires(self, level: float, jitter: float, step: int) -> bool:
        self._n_groups += 1
        if math.isnan(self._start):
            self._start = self._best = level
        line = self._best + max(LOST * (self._start - self._best), NOISES * self._noise)
        if level <= line and jitter == jitter:  # noqa: PLR0124  not NaN
            self._learn_noise(_SIGMA * jitter)
        self._recent.append((level, step))
        if len(self._recent) < BACK:
            return False
        (first, _), (second, since), (third, _) = self._recent
        self._best = min(self._best, sorted((first, second, third))[1])
        self._n_above = self._n_above + 1 if level > line else 0
        if max(first, second, third) <= line:
            self.since, self.has_lasted, self.lost = None, False, 0.0
        if self._n_above < NEIGHBOURS:
            return False
        self.since = since if self.since is None else self.since
        self.lost = min(second, third) - self._best
        self.has_lasted = self.has_lasted or self._n_above >= LASTING
        if self._n_groups < self._next and self._n_above != LASTING:
            return False
        self._next = self._n_groups + max(1, int(PAUSE * self._n_groups))
        return True

    def _learn_noise(self, sigma: float) -> None:
        if not self._noise:
            self._noise = sigma
        else:  # one wild group counts for no more than four quiet ones
            self._noise += _WEIGHT * (min(sigma, 4 * self._noise) - self._noise)

    def restart(self, best: float) -> None:
        """Forget the last groups: the run goes on from an earlier point."""
        self.since, self.has_lasted, self.lost, self._n_above = None, False, 0.0, 0
        self._recent.clear()
        self._best = best if math.isfinite(best) else self._best
