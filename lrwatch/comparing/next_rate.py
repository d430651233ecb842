"""Which learning rate to try next, by what a sweep has shown."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

from lrwatch.comparing.standing import Standing, decades
from lrwatch.verdicts import LearningRate

__all__ = ["next_rate"]

HALF_DECADE: Final = 0.5
"""Decades: the least change of a rate that is worth a new run, and the step past an edge."""

WORSE: Final = 0.07
"""Lag of a rate that was tried and found worse than the best."""

NEAR: Final = 0.35
"""Decades between neighbours that leave nothing to find between them."""


def next_rate(standing: Standing, kind: LearningRate, alone: float | None) -> float | None:
    """Return the peak rate to try next, or the one that was tried and is best.

    Between rates that were tried and are worse it lies where a parabola through them and the best
    one has its bottom; where the best one is the last that was tried, half a decade past it. It
    is never one that was found worse.

    Parameters
    ----------
    standing
        The run among its siblings.
    kind
        What is said of its rate.
    alone
        What the run by itself suggests.
    """
    if kind not in ("too_high", "too_low"):
        return None
    best = standing.best
    way = -1.0 if kind == "too_high" else 1.0
    if best is not None and way * (best.lr - standing.trial.lr) > 0:
        return _rounded(_around(best.lr, standing.tried(), way))
    return _rounded(_beyond(standing, way, alone))


def _around(best: float, tried: Sequence[tuple[float, float]], way: float) -> float:
    below = [(lr, lag) for lr, lag in tried if lr < best]
    above = [(lr, lag) for lr, lag in tried if lr > best]
    if not below or not above:
        edge_is_ahead = (way > 0 and not above) or (way < 0 and not below)
        if not edge_is_ahead:
            return best
        inner = below[-1][1] if way > 0 else above[0][1]
        # About as good as its neighbour: the bottom is here.
        return best if inner < WORSE else best * 10 ** (way * HALF_DECADE)
    (low, low_lag), (high, high_lag) = below[-1], above[0]
    if max(decades(low, best), decades(high, best)) < NEAR:
        return best
    return best * 10 ** _bottom(math.log10(low / best), low_lag, math.log10(high / best), high_lag)


def _bottom(left: float, left_lag: float, right: float, right_lag: float) -> float:
    """Return where a parabola through (0, 0) and two points above has its bottom, in decades.

    At most half way to either of them: they are worse.
    """
    a, b = min(left_lag, 1.0), min(right_lag, 1.0)
    across = a * right - b * left
    if across <= 0:
        return 0.0
    bottom = (a * right**2 - b * left**2) / (2 * across)
    return min(max(bottom, left / 2), right / 2)


def _beyond(standing: Standing, way: float, alone: float | None) -> float:
    """Return a rate where none was tried, or short of the first one that was found worse."""
    own = standing.trial.lr
    is_on_the_way = alone is not None and way * (alone - own) > 0
    wanted = alone if alone is not None and is_on_the_way else own * 10 ** (way * HALF_DECADE)
    lag_of = {rival.lr: -rival.deficit for rival in standing.rivals}
    ahead = standing.lower if way < 0 else standing.higher
    worse = next((rival.lr for rival in ahead if lag_of[rival.lr] >= WORSE), None)
    if worse is not None and way * (worse - wanted) <= 0:
        return math.sqrt(own * worse)
    return wanted


def _rounded(lr: float) -> float:
    """Round to two significant digits: nobody needs more."""
    return float(f"{lr:.1e}")
