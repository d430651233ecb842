"""Gain ratio: what the loss really came down, over what the steps promised to first order.

To first order a step lowers the loss by at most (gradient norm) * (update norm). Curvature
eats that decrease as the learning rate grows: for gradient descent on a quadratic the ratio is
1 - lr * curvature / 2, and 0 at the edge of stability. It is the trust-region ratio, read off
a log; it needs no learning rate, survives clipping and adaptive optimizers, and does not
change with the scale of the loss or of the parameters.

Source: the ratio of trust-region methods, Conn, Gould and Toint, Trust-Region Methods, SIAM 2000,
6.1; its use on a log is own, and so is the threshold, fitted with each task left out.

>>> from lrwatch.detect.tracker import past_of
>>> def descent(lr):  # on w ** 2 / 2, whose curvature is 1, so that the edge is at lr = 2
...     w = abs(1 - lr) ** np.arange(300)
...     return past_of({"step": range(300), "loss": w**2 / 2, "lr": np.full(300, lr),
...                     "grad_norm": w, "update_norm": lr * w})
>>> round(gain_ratio(descent(0.01)), 2), round(gain_ratio(descent(1.99)), 3)
(0.96, 0.005)
>>> small_gain(descent(0.01)).fired, small_gain(descent(1.99)).fired
(False, True)
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from lrwatch.detect.past import TINY, Past
from lrwatch.detect.scale import decades, median
from lrwatch.detect.wording import share
from lrwatch.verdicts import Evidence

__all__ = ["NAMES", "gain_ratio", "measure", "small_gain"]

LOW: Final = 0.0065
"""Fitted on the development corpus, docs/detectors.md."""

WINDOWS = {
    "gain": (0.0, 1.0),
    "gain_opening": (0.0, 0.03),
    "gain_first_tenth": (0.0, 0.1),
    "gain_first_quarter": (0.0, 0.25),
    "gain_first_half": (0.0, 0.5),
    "gain_second_half": (0.5, 1.0),
}
NAMES = (*WINDOWS, "gain_to_best", "drive_noise", "drive_total", "half_path", "half_drive")
LEAST = 1e-7


def gain_ratio(past: Past, start: float = 0.0, end: float = 1.0) -> float:
    """Gain ratio of a stretch of the run, given by two fractions of it; NaN if unknown."""
    if past.driven is None:
        return math.nan
    first = int(np.searchsorted(past.middle, start))
    last = min(int(np.searchsorted(past.middle, end, side="right")), len(past)) - 1
    before = float(past.driven[first - 1]) if first > 0 else 0.0
    high = past.start if start <= 0 else past.level(start - 0.03, start + 0.03)
    low = past.end if end >= 1 else past.level(end - 0.03, end + 0.03)
    return (high - low) / max(float(past.driven[last]) - before, TINY)


def small_gain(past: Past) -> Evidence:
    """Test whether the steps gained next to nothing of what they promised."""
    value = gain_ratio(past)
    if math.isnan(value):
        return Evidence("gain_ratio", note="needs the gradient norm and the update norm")
    note = f"the steps gained {share(value)} of what they promised, 2% to 7% being usual"
    return Evidence("gain_ratio", value, LOW, value < LOW, past.interval, note)


def measure(past: Past) -> dict[str, float]:
    """Features of the gain; all NaN where gradient or update norms are missing."""
    if past.drive is None or past.driven is None or past.path is None:
        return dict.fromkeys(NAMES, math.nan)
    features = {name: _ratio(gain_ratio(past, *window)) for name, window in WINDOWS.items()}
    best = int(np.argmin(past.best))
    half = int(np.argmax(past.start - past.best >= 0.5 * max(past.gained, TINY)))
    return features | {
        "gain_to_best": _ratio(past.gained / max(float(past.driven[best]), TINY)),
        "drive_noise": decades(median(past.drive) / past.grain, 1e-6, 1e6),
        "drive_total": decades(float(past.driven[-1]) / (abs(past.start) + past.grain), 1e-4, 1e8),
        "half_path": decades(float(past.path[half]) / float(past.path[-1] + TINY), 1e-3, 1),
        "half_drive": decades(float(past.driven[half]) / float(past.driven[-1] + TINY), 1e-4, 1),
    }


def _ratio(ratio: float) -> float:
    return decades(max(ratio, 0.0) + LEAST, LEAST, 1e2)
