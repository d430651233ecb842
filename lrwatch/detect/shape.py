"""Shape: what the curve of the loss looks like, beside what the other features measure of it.

Where a run lies flat, how much of its decrease came at once, and how the rest bends on a
logarithmic axis of time; all in units of the run itself.

Source: the power laws of language models, which bend so little, Kaplan et al., Scaling Laws for
Neural Language Models, 2020; the rest is own.

>>> from lrwatch.detect.tracker import past_of
>>> def shape(loss):
...     return measure(past_of({"step": np.arange(400), "loss": loss, "lr": np.ones(400)}))
>>> steps = np.arange(400)
>>> round(shape(4 / (1 + steps) ** 0.3)["bend"], 1)  # the same at every doubling: 0
0.1
>>> round(shape(np.where(steps < 5, 2.6, 2.3) + 1e-3 * np.sin(steps))["flat"], 1)
1.0
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from lrwatch.detect.past import Past
from lrwatch.detect.scale import clip
from lrwatch.records import FloatArray

__all__ = ["measure"]

CLOSE: Final = 0.02
"""Share of the decrease within which the loss counts as where it ends."""


def measure(past: Past) -> dict[str, float]:
    """Features of the shape of the loss curve."""
    drop = past.start - past.end
    whole = abs(drop) + 0.3 * past.grain
    levels = {at: past.level(at - 0.04, at + 0.04) for at in (0.12, 0.25, 0.5, 0.66, 0.9)}
    first, second, last = (
        levels[a] - levels[b] for a, b in ((0.12, 0.25), (0.25, 0.5), (0.5, 0.9))
    )
    size = abs(past.end) + past.grain
    smooth = _smooth(past.loss)
    highest = float(np.ptp(smooth)) + past.grain
    return {
        "progress_0.02": clip((past.start - past.level(0.0, 0.03)) / whole, -3, 3),
        "progress_0.05": clip((past.start - past.level(0.03, 0.07)) / whole, -3, 3),
        "progress_0.9": clip((past.start - levels[0.9]) / whole, -3, 3),
        "last_third": clip((levels[0.66] - past.end) / whole, -1, 1),
        "slope_late": _signed(last / size / math.log2(0.9 / 0.5)),
        "slope_early": _signed(second / size),
        "bend": clip((first - second) / (abs(first) + abs(second) + past.grain), -1, 1),
        "bend_late": clip((second - last) / (abs(second) + abs(last) + past.grain), -1, 1),
        "flat": _flat(past, smooth, whole),
        "rises": clip(float((smooth - np.minimum.accumulate(smooth)).max()) / highest, 0, 1),
    }


def _signed(value: float) -> float:
    """Put shares between a hundredth of a percent and the whole on a logarithmic scale."""
    return math.copysign(math.log10(1 + min(abs(value), 1.0) * 1e4), value)


def _flat(past: Past, smooth: FloatArray, whole: float) -> float:
    """Share of the run from which on the loss, smoothed, stays where it ends."""
    away = np.abs(smooth - past.end) > CLOSE * whole + 0.5 * past.grain
    far = np.flatnonzero(away)
    return 1.0 - (float(past.middle[far[-1]]) if len(far) else 0.0)


def _smooth(values: FloatArray) -> FloatArray:
    """Median of five neighbouring bins."""
    padded = np.pad(values, 2, mode="edge")
    smooth: FloatArray = np.median(np.lib.stride_tricks.sliding_window_view(padded, 5), axis=1)
    return smooth
