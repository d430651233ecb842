"""Which learning rate to try next, by what a sweep has shown.

Where it is not known yet on which side the best one lies, a search that has overshot knows where
to look, so it is worth growing: a rate that got further than the last one is followed by a longer
step. A step that was measured (by update norms, it may be a hundredfold) is long as it is, and
what follows it goes by half a decade.
"""

from __future__ import annotations

import math
from typing import Final

from lrwatch.comparing.standing import SAME_RATE, Rival, Standing, decades
from lrwatch.verdicts import Diagnosis, LearningRate

__all__ = ["first_step", "next_rate", "outward", "within", "worse"]

HALF_DECADE: Final = 0.5
"""Decades: the least change of a rate that is worth a new run, and the step past an edge."""

WORSE: Final = 0.07
"""Lag of a rate that was tried and found worse than the best."""

WIDE: Final = 1.5
"""Decades between rates in which the best one is sooner found than past them."""

NEAR: Final = 0.35
"""Decades between neighbours that leave nothing to find between them."""

GROWTH: Final = 1.7
"""How much longer each step is than the one before, in decades."""

SEARCHED: Final = 1.0
"""Decades that a step without any measurement goes at most: from a single rate of which nothing is
known; a longer one was measured."""

HIGHER: Final = 3.0
"""Factor to a rate that shows whether one that looks right is, without leaving what works."""

APART: Final = 0.5
"""Decades between a rate and the next from which on a better one may lie between."""


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
    tried = standing.tried
    below = [(lr, lag) for lr, lag in tried if lr < best.lr]
    above = [(lr, lag) for lr, lag in tried if lr > best.lr]
    if below and above:
        return _rounded(_between(below[-1], best.lr, above[0]))
    return _rounded(_at_edge(best.lr, (above or below[::-1])[0], of_best))


def _between(below: tuple[float, float], best: float, above: tuple[float, float]) -> float:
    low, high = -decades(below[0], best), decades(above[0], best)
    if max(-low, high) < NEAR:
        return best
    bottom = _bottom(low, below[1], high, above[1])
    return best if abs(bottom) < SAME_RATE else best * 10**bottom


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
    ahead = worse(standing.lower if way < 0 else standing.higher)
    if ahead and way * (ahead[0].lr - wanted) <= 0:
        return _middle(own, ahead[0].lr)
    return wanted


def _middle(lr: float, other: float) -> float:
    return float(10 ** ((math.log10(lr) + math.log10(other)) / 2))


def _rounded(lr: float) -> float | None:
    """Round to two significant digits: nobody needs more."""
    return float(f"{lr:.1e}") if 0 < lr < math.inf else None


def first_step(lr: float, own: Diagnosis) -> float:
    """Return the rate to run beside a single one that itself says too little of another."""
    if own.learning_rate == "ok":
        return lr * HIGHER
    return lr * float(10 ** (-SEARCHED if own.learning_rate == "too_high" else SEARCHED))


def outward(best: Standing, own: Diagnosis) -> float:
    """Return a rate past those that were tried, on the side where none was found worse.

    Parameters
    ----------
    best
        The run that got furthest.
    own
        The verdict on it by itself, which decides where no rate was found worse.
    """
    below, above = worse(best.lower), worse(best.higher)
    if bool(below) == bool(above):
        way = -1.0 if own.learning_rate == "too_high" else 1.0
    else:
        way = 1.0 if below else -1.0
    ahead, behind = (best.higher, best.lower) if way > 0 else (best.lower, best.higher)
    outer = ahead[-1].lr if ahead else best.trial.lr
    passed = worse(behind) or behind[::-1]
    gap = decades(outer, passed[0].lr) if passed else 0.0
    step = GROWTH * gap if gap <= SEARCHED * 1.01 else HALF_DECADE
    return outer * float(10 ** (way * max(step, HALF_DECADE)))


def within(best: Standing) -> float | None:
    """Return the middle of the wider gap beside the best rate; ``None`` where both are narrow."""
    own = best.trial.lr
    nearest = [rivals[0].lr for rivals in (best.lower, best.higher) if rivals]
    lr = max(nearest, key=lambda lr: decades(lr, own), default=own)
    return math.sqrt(lr * own) if decades(lr, own) > APART else None


def worse(rivals: tuple[Rival, ...]) -> tuple[Rival, ...]:
    """Return the rates that were found worse, nearest first."""
    return tuple(rival for rival in rivals if -rival.deficit >= WORSE)
