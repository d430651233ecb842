"""A run's own verdict joined with where it stands among its siblings, as probabilities.

What the others reached settles most: a rate that a lower one leaves behind is too high, one that a
higher one leaves behind is too low, and one that nothing beats, with worse rates tried on either
side, is right. The run's own verdict speaks where that leaves room: nothing was tried on one side,
or too coarsely. How much each thing counts is a logistic model of thirty numbers a class, fitted to
runs whose best rate is known, with random ones of their siblings
(``python -m benchmarks.accuracy.siblings fit``).
"""

from __future__ import annotations

import json
import math
from functools import cache
from importlib.resources import files
from typing import Final

import numpy as np

from lrwatch.comparing.standing import Rival, Standing, decades
from lrwatch.records import FloatArray
from lrwatch.verdicts import Diagnosis, LearningRate

__all__ = ["BEHIND", "TOO_HIGH", "TOO_LOW", "features", "probability"]

BEHIND: Final = 0.07
"""Share of the best run's gain that a good rate may lack."""

TOO_HIGH: Final = 0.15
"""Share that a rate lacks that is too high."""

TOO_LOW: Final = 0.30
"""Share that a rate lacks that is too low."""

SAME: Final = 0.02
WORSE: Final = 0.10
"""Lag from which on a tried rate is worse than the best one for certain."""

NEAR: Final = 0.6
FAR: Final = 1.6
"""Decades around the best rate within which nothing better hides, and from which on it may."""

UNTRIED: Final = 3.0
FLAT: Final = 0.05
"""Share of the loss at the start below which a run has hardly begun to learn."""

NOISY: Final = 0.3

_CLASSES: Final[tuple[LearningRate, ...]] = ("ok", "too_high", "too_low")


def features(standing: Standing, own: Diagnosis) -> dict[str, float]:
    """Return what the model sees, by name; all between -1 and 3 and without a unit."""
    me, best = standing.trial, standing.best
    lag = 0.0 if best is None else best.deficit
    lower = _if(best is not None and best.lr < me.lr)
    higher = _if(best is not None and best.lr > me.lr)
    high = lower * _ramp(lag, BEHIND, TOO_HIGH)
    low = higher * _ramp(lag, BEHIND, TOO_LOW)
    fine = 1 - max(high, low)
    left, right, left_gap, right_gap = _around_best(standing, best)
    enclosed = fine * left * right * _ramp(FAR - max(left_gap, right_gap), 0.0, FAR - NEAR)
    open_ = 1 - max(high, low, enclosed)
    sure = {
        "high": high,
        "far_high": lower * _ramp(lag, TOO_HIGH, 0.6),
        "low": low,
        "far_low": higher * _ramp(lag, TOO_LOW, 0.7),
        "enclosed": enclosed,
        "open": open_,
        "behind_lower": open_ * lower * _ramp(lag, 0.0, BEHIND),
        "behind_higher": open_ * higher * _ramp(lag, 0.0, BEHIND),
    }
    early = 1 - standing.done
    return {
        **sure,
        **{f"early_{name}": value * early for name, value in sure.items()},
        "fine": open_ * fine,
        "worse_left": open_ * fine * left,
        "worse_right": open_ * fine * right,
        "any_lower": open_ * _if(standing.n_lower),
        "any_higher": open_ * _if(standing.n_rates > standing.n_lower),
        "left_gap": open_ * left_gap * _if(left_gap < UNTRIED),
        "right_gap": open_ * right_gap * _if(right_gap < UNTRIED),
        **{f"own_{name}": open_ * _own(own, name) for name in _CLASSES},
        "broke": _if(me.has_broken),
        "noise": open_ * min(standing.noise, NOISY),
        "flat": open_ * _flat(standing),
    }


def probability(standing: Standing, own: Diagnosis) -> dict[LearningRate, float]:
    """Return the probability of each class of learning rate."""
    names, weights, bias = _shipped()
    found = features(standing, own)
    score = weights @ np.array([found[name] for name in names]) + bias
    odds = np.exp(score - score.max())
    return dict(zip(_CLASSES, (odds / odds.sum()).tolist(), strict=True))


def _around_best(standing: Standing, best: Rival | None) -> tuple[float, float, float, float]:
    """Say whether rates below and above the best one were worse, and how far the next are."""
    peak = standing.trial.lr if best is None else best.lr
    below = [(lr, lag) for lr, lag in standing.tried if lr < peak]
    above = [(lr, lag) for lr, lag in standing.tried if lr > peak]
    left, right = (max((lag for _, lag in side), default=0.0) for side in (below, above))
    left_gap = decades(below[-1][0], peak) if below else UNTRIED
    right_gap = decades(above[0][0], peak) if above else UNTRIED
    worse = _ramp(left, SAME, WORSE), _ramp(right, SAME, WORSE)
    return *worse, min(left_gap, UNTRIED), min(right_gap, UNTRIED)


def _own(own: Diagnosis, name: LearningRate) -> float:
    return own.confidence if own.learning_rate == name else 0.0


def _flat(standing: Standing) -> float:
    """Return how little was learnt: 0 where a twentieth was, 1 where nothing was, 2 where worse."""
    n_steps = standing.others.n_steps[max(standing.n_lower - 1, 0)]
    gained = standing.progress.gained(standing.mine[n_steps])
    return min(max(1 - gained / FLAT, 0.0), 2.0) if math.isfinite(gained) else 0.0


def _ramp(value: float, begin: float, end: float) -> float:
    return min(max((value - begin) / (end - begin), 0.0), 1.0)


def _if(condition: object) -> float:
    return 1.0 if condition else 0.0


@cache
def _shipped() -> tuple[tuple[str, ...], FloatArray, FloatArray]:
    text = files("lrwatch.comparing").joinpath("joining.json").read_text(encoding="utf-8")
    model = json.loads(text)
    weights = np.array([model["weights"][name] for name in _CLASSES])
    return tuple(model["names"]), weights, np.array([model["bias"][name] for name in _CLASSES])
