"""How far the parameters moved, beside their own length and beside the learning rate."""

from __future__ import annotations

import math

import numpy as np

from lrwatch.detect.past import TINY, Past
from lrwatch.detect.scale import clip, decades, median
from lrwatch.records import FloatArray

__all__ = ["NAMES", "measure", "relative_path"]

NAMES = (
    "path", "path_relative", "path_first", "update_ratio", "update_ratio_max",
    "update_ratio_first", "param_growth", "coherence", "update_late", "update_early",
    "update_per_grad",
)  # fmt: skip


def relative_path(past: Past) -> float:
    """Length of the path that the parameters took, over their norm at the start."""
    if past.path is None or not past.opening.param > 0:
        return math.nan
    return float(past.path[-1]) / past.opening.param


def measure(past: Past) -> dict[str, float]:
    """Features of the motion; all NaN where update or parameter norms are missing."""
    if past.update is None or past.path is None or past.param is None:
        return dict.fromkeys(NAMES, math.nan)
    start = past.opening.param
    ratio = past.update / np.maximum(past.param, TINY)
    first = max(1, len(past) // 20)
    tenth = max(1, int(np.searchsorted(past.middle, 0.1)))
    return {
        "path": decades(relative_path(past), 1e-5, 1e5),
        "path_relative": decades(float((ratio * past.steps).sum()), 1e-5, 1e4),
        "path_first": decades(float(past.path[tenth - 1]) / start, 1e-6, 1e5),
        "update_ratio": decades(median(ratio), 1e-8, 1e3),
        "update_ratio_max": decades(float(ratio.max()), 1e-8, 1e4),
        "update_ratio_first": decades(float(ratio[:first].max()), 1e-8, 1e4),
        "param_growth": clip(decades(float(past.param[-1]) / start), -2, 4),
        "coherence": _coherence(past, past.param),
    } | _per_lr(past, past.update)


def _coherence(past: Past, param: FloatArray) -> float:
    """Growth of the squared norm of the parameters over the sum of squared updates.

    1 for steps at right angles to one another and to the start (a random walk), up to the
    number of steps for steps in one direction, negative where weight decay wins.
    """
    history = past.history
    measured = history["update_n"] > 0
    squares = history["update_sq"][measured] / history["update_n"][measured]
    walked = float((squares * past.steps[measured]).sum())
    grown = float(param[-1]) ** 2 - past.opening.param**2
    ratio = clip(grown / (walked + TINY), -50, 50)
    return math.copysign(math.log10(1 + abs(ratio)), ratio)


def _per_lr(past: Past, update: FloatArray) -> dict[str, float]:
    """Update norm per unit of learning rate, beside the same at the start.

    An adaptive or momentum optimizer moves further per unit of learning rate while successive
    gradients agree than when they are noise or turn back.
    """
    per_lr = update / np.maximum(past.lr, TINY)
    at_start = past.opening.update_per_lr
    grad = past.history["grad"] / np.maximum(past.history["grad_n"], 1)
    per_grad = per_lr / np.where(past.history["grad_n"] > 0, grad, np.nan)
    late = per_grad[past.between(0.6, 1)]
    late = late[np.isfinite(late)]
    early = past.between(0.05, 0.4)
    return {
        "update_late": _beside(median(per_lr[past.between(0.6, 1)]), at_start),
        "update_early": _beside(median(per_lr[early]), at_start),
        "update_per_grad": _beside(
            median(late) if len(late) else math.nan, at_start / past.opening.grad
        ),
    }


def _beside(value: float, reference: float) -> float:
    return clip(decades(value / reference), -4, 4) if reference > 0 else math.nan
