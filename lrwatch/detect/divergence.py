"""Divergence: the loss has left its best level, by more than noise, and stays away.

It must not come true by looking long enough. So the best is the level of a stretch that grows with
the run; the line above it lies further away the longer the run, by the root of the logarithm of its
length, and well above whatever the loss came back from; and how far the loss lies above the line is
added up, in bits, until it is worth more than all looks so far could bring about.

Source: Page, Continuous inspection schemes, Biometrika 41 (1954); lines that hold at all times,
Howard, Ramdas, McAuliffe and Sekhon, Ann. Stat. 49 (2021); sums of evidence that begin anew, Shin,
Ramdas and Rinaldo, NEJSDS 2 (2024). All simplified: docs/decisions/0018 has what was measured.

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

from lrwatch.detect.baseline import Baseline
from lrwatch.detect.groups import GROUP, Groups
from lrwatch.records import FloatArray

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

NEVER: Final = 10.0
"""What the square of the distance is more than twice the logarithm of the number of groups, in
standard deviations of their levels."""

HIGHER: Final = (1.3, 2.0)
"""How far above all that it came back from a loss must be: a factor, and what comes to it over the
logarithm of the number of groups."""

STEPS: Final = (-1.0, 3.0)
"""Bits that one group counts for at least, and at most."""

ENOUGH: Final = (2.25, 1 / 32, 20.0)
"""Bits that must come together: always, by the square of how often the groups doubled, and over
their number."""

HALF: Final = 0.5
"""Share of its height at which a loss that had risen counts as come back."""

FIRST: Final = 16
"""Groups after which heights are remembered for as long again."""

LEAST: Final = 0.25
"""Bits that a group above the line counts for at least."""

BORNE_OUT: Final = 3.5
"""Bits that may be lacking where something else bears it out."""

KNOWN: Final = 256
"""Groups up to which that is so: the learnt layer was fitted to runs of a thousand rows or so. Of
longer ones it knows less, and less may be lacking, by the root of their length."""


ROUNDING: Final = 1e-9
"""Share of the loss within which a line may lie elsewhere than it was worked out."""


class Divergence:
    """Compares the last groups of four rows with the best level reached so far.

    It fires when `NEIGHBOURS` neighbouring groups lie above the line, and ever more rarely as long
    as they do. What is usual is learnt only while the run is not above the line, so that a
    divergence does not hide in the noise it makes. A spike within a group never fires.

    Attributes
    ----------
    since
        Step from which the run is lost; ``None`` while it is not.
    has_lasted
        Whether that is beyond doubt, with nothing else to bear it out.
    level
        Loss of the lower of the last two groups at which it fired; NaN unless it is lost.
    lost
        By how much that lies above the best; 0 unless it is lost.
    """

    def __init__(self) -> None:
        self.since: int | None = None
        self.has_lasted = False
        self.level = math.nan
        self.lost = 0.0
        self._n_groups = 0
        self._n_above = 0
        self._bits = 0.0
        self._next = 0
        self._start = math.nan
        self._usual = Baseline()
        self._line = math.inf
        self._left = 0
        self._peak = 0.0
        self._heights = [0.0, 0.0]  # before the last doubling of the groups, and since
        self._doubled = FIRST
        self._recent: deque[float] = deque(maxlen=BACK)

    def advance(self, groups: Groups) -> tuple[int, bool]:
        """Look at the next groups, up to the first at which the run seems lost.

        Returns
        -------
        n_groups, fired
            How many groups were looked at, and whether the last of them fired.
        """
        n_loss, n_diff = groups.field("loss_n"), groups.field("diff_n")
        known = np.flatnonzero(n_loss > 0)
        n_diff = np.where(n_diff > 0, n_diff, np.nan)[known]
        level = groups.field("loss")[known] / n_loss[known]
        columns = (
            level.tolist(),
            (groups.field("diff1")[known] / n_diff).tolist(),
            (groups.field("diff2")[known] / n_diff).tolist(),
            groups.field("first_step")[known].tolist(),
        )
        at = 0
        while at < len(known):
            n_calm = self._n_calm(level[at:])
            if n_calm:
                self._pass(*(column[at : at + n_calm] for column in columns[:3]))
            elif self._fires(*(column[at] for column in columns)):
                return int(known[at]) + 1, True
            at += max(n_calm, 1)
        return len(groups), False

    def leaves_out(self, losses: FloatArray) -> bool:
        """Whether no group of these next losses can fire, wherever the line comes to lie.

        The best is no lower than the least loss, and the line never lower than `LOST` above it. Of
        a group above the line two losses are, or are not known, and two such groups must meet.
        """
        if self._n_above or math.isnan(self._start):
            return False
        best = min(self._usual.floor, float(np.fmin.reduce(losses)))
        lowest = min(self._line, best + LOST * max(self._start - best, 0.0))
        above = np.flatnonzero(~(losses < lowest - ROUNDING * (abs(lowest) + abs(self._start))))
        n = NEIGHBOURS * 2
        return not bool((above[n - 1 :] - above[: 1 - n] < NEIGHBOURS * GROUP).any())

    def _n_calm(self, level: FloatArray) -> int:
        """Return how many of the next groups lie below the line, as the last ones, and leave it."""
        room = min(self._usual.room, self._doubled - self._n_groups) - 1
        if room < 1 or len(self._recent) < BACK or max(self._recent) > self._line:
            return 0
        above = level[:room] > self._line
        return int(above.argmax()) if above.any() else len(above)

    def _pass(self, levels: list[float], jitters: list[float], over_twos: list[float]) -> None:
        """Take groups that are calm."""
        self._n_groups += len(levels)
        self._usual.take(levels, jitters, over_twos)
        joined = np.array([*self._recent, *levels])[1:]
        pairs = joined[:-1], joined[1:]
        lowest, highest = np.minimum(*pairs), np.maximum(*pairs)
        best = self._usual.best
        self._follow_excursion(
            (np.minimum(lowest[:-1], joined[2:]) - best).tolist(),
            (np.maximum(highest[:-1], joined[2:]) - best).tolist(),
        )
        self._recent.extend(levels[-BACK:])

    def _fires(self, level: float, jitter: float, over_two: float, step: float) -> bool:
        self._n_groups += 1
        if math.isnan(self._start):
            self._start = level
        self._recent.append(level)
        if level > self._line:
            self._rise(level, int(step))
        else:
            self._fall(level, jitter, over_two)
        if len(self._recent) < BACK:
            return False
        highest, best = max(self._recent), self._usual.best
        self._follow_excursion([min(self._recent) - best], [highest - best])
        if highest <= self._line:
            self.since, self.has_lasted, self.level, self.lost = None, False, math.nan, 0.0
            self._bits = 0.0
        return self._n_above >= NEIGHBOURS and self._is_lost()

    def _rise(self, level: float, step: int) -> None:
        best = self._usual.best
        self._bits += max(LEAST, _bits(level - best, self._line - best))
        self._n_above += 1
        if self._n_above == 1:
            self._left = step

    def _fall(self, level: float, jitter: float, over_two: float) -> None:
        if self._bits:
            best = self._usual.best
            self._bits = max(0.0, self._bits + _bits(level - best, self._line - best))
        self._n_above = 0
        if self._usual.add(level, jitter, over_two):
            self._draw_line()

    def _draw_line(self) -> None:
        usual, n = self._usual, self._n_groups
        if n < BACK:  # too few to know where the best is
            return
        distance = math.sqrt(2 * math.log(n + 1) + NEVER)
        higher = HIGHER[0] + HIGHER[1] / math.log(n + 2)
        self._line = usual.best + max(
            LOST * (self._start - usual.best),
            NOISES * usual.noise,
            distance * usual.spread,
            higher * max(self._heights),
        )

    def _follow_excursion(self, lowest: list[float], highest: list[float]) -> None:
        """Keep how far above its best the loss came back from, in the last two doublings.

        Parameters
        ----------
        lowest, highest
            Of the last groups, above the best, at each of the next ones.
        """
        peak, height = self._peak, self._heights[1]
        # Once it has lasted it may go all the way again, and is to be found then too.
        whole_way = self._start - self._usual.best + self._usual.noise
        for low, high in zip(lowest, highest, strict=True):
            if low > peak:  # noqa: PLR1730  `max` would cost as much as all the rest
                peak = low
            if high <= HALF * peak or high <= 0:
                height = max(height, min(peak, whole_way) if self.has_lasted else peak)
                peak = 0.0
        self._peak, self._heights[1] = peak, height
        if self._n_groups >= self._doubled:
            self._heights = [self._heights[1], 0.0]
            self._doubled *= 2

    def _is_lost(self) -> bool:
        """Whether to fire now."""
        n = self._n_groups
        lacking = ENOUGH[0] + ENOUGH[1] * math.log2(n) ** 2 + ENOUGH[2] / n - self._bits
        if lacking > BORNE_OUT * math.sqrt(min(KNOWN / n, 1.0)):
            return False
        self.since = self._left if self.since is None else self.since
        self.level = min(self._recent[-1], self._recent[-2])
        self.lost = self.level - self._usual.best
        had_lasted = self.has_lasted
        self.has_lasted = had_lasted or (self._n_above >= LASTING and lacking <= 0)
        if n < self._next and self.has_lasted == had_lasted:
            return False
        self._next = n + max(1, int(PAUSE * n))
        return True

    def restart(self, best: float) -> None:
        """Forget the last groups: the run goes on from an earlier point."""
        self.since, self.has_lasted, self.level, self.lost = None, False, math.nan, 0.0
        self._n_above, self._bits = 0, 0.0
        self._recent.clear()
        if math.isfinite(best):
            self._usual.start_again(best)


def _bits(height: float, line: float) -> float:
    """Return what a height above the best counts for: doublings of that of the line."""
    if not height > 0:
        return STEPS[0]
    ratio = height / line if line > 0 else math.inf
    return min(max(math.log2(ratio), STEPS[0]), STEPS[1]) if ratio > 0 else STEPS[0]
