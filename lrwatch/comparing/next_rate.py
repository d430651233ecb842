"""Which learning rate to try next, by what a sweep has shown."""

from __future__ import annotations

import math
from typing import Final

from lrwatch.comparing.standing import Standing, decades
from lrwatch.verdicts import LearningRate

__all__ = ["next_rate"]

HALF_DECADE: Final = 0.5
"""Decades: the least change of a rate that is worth a new run, and the step past an edge."""

WORSE: Final = 0.07
"""Lag of a rate that was tried and found worse than the best."""

WIDE: Final = 1.5
"""Decades between rates in which the best one is sooner found than past them."""

NEAR: Final = 0.35
"""Decades between neighbours that leave nothing to find between them."""


def next_rate(
    standing: Standing, kind: LearningRate, alone: float | None, of_best: LearningRate
) -> float | None:
    """Return the peak rate to try next, or the one that was tried and is best.

    Between rates that were tried and are worse it lies where a parabola through them and the best
    one has its bottom. Where the best one is the last that was tried, what is said of that one
    decides: it may be taken; half a decade past it; or half way to it, where that one goes too far
    or was a long way off. It is never one that was found worse.

    Parameters
    ----------
    standing
        The run among its siblings.
    kind
        What is said of its rate.
    alone
        What the run by itself suggests.
    of_best
        What is said of the rate that is furthest ahead, if that is sure.
    """
    if kind not in ("too_high", "too_low"):
        return None
    best = standing.best
    way = -1.0 if kind == "too_high" else 1.0
    if best is None or way * (best.lr - standing.trial.lr) < 0:
        return _rounded(_beyond(standing, way, alone))
    tried = standing.tried()
    below = [(lr, lag) for lr, lag in tried if lr < best.lr]
    above = [(lr, lag) for lr, lag in tried if lr > best.lr]
    if below and above:
        return _rounded(_between(below[-1], best.lr, above[0]))
    return _rounded(_at_edge(best.lr, (above or below[::-1])[0], of_best))


def _between(below: tuple[float, float], best: float, above: tuple[float, float]) -> float:
    low, high = -decades(below[0], best), decades(above[0], best)
    if max(-low, high) < NEAR:
        return best
    return best * 10 ** _bottom(low, below[1], high, above[1])


def _at_edge(best: float, inner: tuple[float, float], of_best: LearningRate) -> float:
    """Return a rate near the best one, with nothing tried beyond it."""
    way = 1.0 if best > inner[0] else -1.0
    is_short = of_best == ("too_high" if way > 0 else "too_low")
    is_wide = of_best == "unknown" and decades(best, inner[0]) > WIDE
    if is_short or is_wide:
        return _middle(best, inner[0])
    is_bottom = of_best == "ok" or inner[1] < WORSE
    return best if is_bottom else best * 10 ** (way * HALF_DECADE)


def _bottom(left: float, left_lag: float, right: float, right_lag: float) -> float:
    """Return where a parabola through (0, 0) and two points above has its bottom, in decades.

    At most half way to either of them, which are worse, and half a decade.
    """
    a, b = min(left_lag, 1.0), min(right_lag, 1.0)
    across = a * right - b * left
    if across <= 0:
        return 0.0
    bottom = (a * right**2 - b * left**2) / (2 * across)
    return min(max(bottom, left / 2, -HALF_DECADE), right / 2, HALF_DECADE)


def _beyond(standing: Standing, way: float, alone: float | None) -> float:
    """Return a rate where none was tried, or short of the first one that was found worse."""
    own = standing.trial.lr
    is_on_the_way = alone is not None and way * (alone - own) > 0
    wanted = alone if alone is not None and is_on_the_way else own * 10 ** (way * HALF_DECADE)
    lag_of = {rival.lr: -rival.deficit for rival in standing.rivals}
    ahead = standing.lower if way < 0 else standing.higher
    worse = next((rival.lr for rival in ahead if lag_of[rival.lr] >= WORSE), None)
    if worse is not None and way * (worse - wanted) <= 0:
        return _middle(own, worse)
    return wanted


def _middle(lr: float, other: float) -> float:
    return float(10 ** ((math.log10(lr) + math.log10(other)) / 2))


def _rounded(lr: float) -> float | None:
    """Round to two significant digits: nobody needs more."""
    return float(f"{lr:.1e}") if 0 < lr < math.inf else None
