"""The next rate to run while it is not known on which side the best one lies.

A search that has overshot knows where to look, so it is worth growing: a rate that got further than
the last one is followed by a longer step. A step that was measured (by update norms, it
may be a hundredfold) is long as it is, and what follows it goes by half a decade.
"""

from __future__ import annotations

import math
from typing import Final

from lrwatch.comparing.next_rate import HALF_DECADE, WORSE
from lrwatch.comparing.standing import Rival, Standing, decades
from lrwatch.verdicts import Diagnosis

__all__ = ["first_step", "outward", "within"]

GROWTH: Final = 1.7
"""How much longer each step is than the one before, in decades."""

SEARCHED: Final = 1.0
"""Decades that a step without any measurement goes at most: from a single rate of which nothing is
known; a longer one was measured."""

HIGHER: Final = 3.0
"""Factor to a rate that shows whether one that looks right is, without leaving what works."""

APART: Final = 0.5
"""Decades between a rate and the next from which on a better one may lie between."""


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
