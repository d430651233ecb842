"""How far runs of one job have come: where they began, and on which scale they are measured."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Final

from lrwatch.comparing.sweeps import Trial

__all__ = ["WORST", "ProgressScale", "progress_of", "rise"]

WORST: Final = 1.5
"""Lag of a run that broke where others did not; no lag is larger."""

LEAST_GAIN: Final = 0.02
"""Share of the loss at the start that a lag is measured by at least."""

UNIT: Final = (0.85, 1.3)
"""Mean squared errors of targets scaled to a variance of one begin here."""

ENTROPY: Final = (0.5, 13.0)
"""Cross-entropies of two to some hundred thousand classes begin here."""

TINY: Final = 1e-12
"""Losses that are no share of the start, or not positive, count as this share."""

HALF_A_DECADE: Final = 5.0
DECADE: Final = 10.0


@dataclass(frozen=True, slots=True)
class ProgressScale:
    """The scale of progress of one job.

    Attributes
    ----------
    start
        Loss at the start; NaN where none is known.
    is_log
        Whether the logarithm of the loss is what falls: a regression by decades.
    """

    start: float
    is_log: bool

    def lag(self, mine: float, theirs: float) -> float:
        """Return how far a run lags behind another one, as a share of what the better one gained.

        Negative where it is ahead; a loss that broke is infinite.
        """
        if mine == theirs:
            return 0.0
        if math.isinf(mine) or math.isinf(theirs):
            return WORST if mine > theirs else -WORST
        gain = self.lead(min(mine, theirs), self.start)
        least = max(gain, LEAST_GAIN) if math.isfinite(gain) else LEAST_GAIN
        return min(max(self.lead(theirs, mine) / least, -WORST), WORST)

    def lead(self, lower: float, higher: float) -> float:
        """Return by how much one loss is lower than another, on the scale of the job."""
        return rise(self.height(lower), self.height(higher))

    def gained(self, loss: float) -> float:
        """Return what a run has gained, as a share of the loss at the start."""
        return (self.start - loss) / abs(self.start) if self.start else 0.0

    def height(self, loss: float) -> float:
        """Return where a loss is on the scale of the job."""
        if self.is_log:
            return math.log(max(loss / self.start, TINY))
        return loss / abs(self.start) if self.start else loss


def rise(lower: float, higher: float) -> float:
    """Return how far one height is above another."""
    # In units of a start that is next to nothing, losses may be too large to tell apart.
    return 0.0 if math.isnan(higher - lower) else higher - lower


def progress_of(rates: Sequence[Sequence[Trial]], ends: Iterable[float]) -> ProgressScale:
    """Return the scale for a job.

    Parameters
    ----------
    rates
        Its runs, those at one rate together, lowest rate first.
    ends
        Where each of them ended.
    """
    start = _start(rates)
    return ProgressScale(start, _spans_decades(start, list(ends)))


def _start(rates: Sequence[Sequence[Trial]]) -> float:
    """Return the loss at the start; NaN without one.

    A log of means over many steps begins after some of them, where a high rate has done harm and
    a good one has got ahead: the low ones say it best.
    """
    firsts = [
        loss
        for members in rates[: max(len(rates) // 3, 1)]
        for loss in (trial.summary.first_loss for trial in members)
        if loss is not None and math.isfinite(loss)
    ]
    return median(firsts) if firsts else math.nan


def _spans_decades(start: float, ends: Sequence[float]) -> bool:
    """Whether progress is one of the logarithm of the loss.

    A cross-entropy, told by where it begins, near the logarithm of a number of classes, is done
    when it is small: nobody needs it smaller still.
    """
    end = min(ends, default=math.nan)
    if not 0 < end < start < math.inf:
        return False
    if UNIT[0] <= start <= UNIT[1]:
        return start / end >= HALF_A_DECADE
    return not ENTROPY[0] <= start <= ENTROPY[1] and start / end >= DECADE
