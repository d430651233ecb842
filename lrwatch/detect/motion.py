"""Motion: how far the parameters moved, beside their own length and beside the learning rate.

Own, fitted with each task left out: good runs move about 9 times the length that the parameters
had at the start, and a run that moved less than that length has crawled.

>>> from lrwatch.detect.tracker import past_of
>>> def walked(step_length):
...     return past_of({"step": range(80), "loss": np.ones(80), "lr": np.ones(80),
...                     "param_norm": np.full(80, 10.0), "update_norm": np.full(80, step_length)})
>>> short_path(walked(0.05)).fired, short_path(walked(1.0)).fired
(True, False)
>>> round(relative_path(walked(1.0)))
8
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from lrwatch.detect.past import TINY, Past
from lrwatch.detect.scale import clip, decades, median
from lrwatch.detect.wording import times
from lrwatch.records import FloatArray
from lrwatch.verdicts import Evidence

__all__ = ["NAMES", "measure", "relative_path", "short_path"]

SHORT: Final = 1.0
"""Fitted on the development corpus, docs/detectors.md."""

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


def short_path(past: Past) -> Evidence:
    """Test whether the parameters moved less than their own length."""
    value = relative_path(past)
    if math.isnan(value):
        return Evidence("relative_path", note="needs the update norm and the parameter norm")
    note = f"the weights moved {times(value)} their own length in {past.n_steps:,.0f} steps"
    return Evidence("relative_path", value, SHORT, value < SHORT, past.interval, note)


def measure(past: Past) -> dict[str, float]:
    """Features of the motion; all NaN where update or parameter norms are missing."""
    if past.update is None or past.path is None or past.param is None or not past.opening.param > 0:
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
