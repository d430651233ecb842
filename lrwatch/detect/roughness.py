"""Roughness: the size of the noise of the loss, its growth, and whether it bounces.

Differences over two steps beside differences over one tell the shapes apart without any
window or trend to remove: their ratio is 1 for independent noise, near 0 where the loss
bounces with period two, and up to 2 where it moves steadily.

Source: the ratio of von Neumann, Ann. Math. Stat. 12 (1941), at two lags and of absolute values.

>>> from lrwatch.detect.tracker import past_of
>>> def run(loss):
...     return past_of({"step": np.arange(200), "loss": loss, "lr": np.ones(200)})
>>> noise = np.random.default_rng(0).standard_normal(200)
>>> bounces(run(noise)).fired, bounces(run((-1.0) ** np.arange(200) + 0.1 * noise)).fired
(False, True)
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from lrwatch.detect.past import Past
from lrwatch.detect.scale import clip, decades, median
from lrwatch.verdicts import Evidence

__all__ = ["bounce", "bounces", "measure"]

BOUNCES: Final = 0.6
"""Half-way between a period of two and independent noise."""


def bounce(past: Past, bins: slice) -> float:
    """Mean |difference over two steps| over mean |difference over one|; NaN if unknown."""
    one = float(past.history["diff1"][bins].sum())
    two = float(past.history["diff2"][bins].sum())
    return two / one if one > 0 and two > 0 else math.nan


def bounces(past: Past) -> Evidence:
    """Test whether the loss of the second half goes up and down from step to step."""
    bins = past.between(0.5, 1)
    value = bounce(past, bins)
    if math.isnan(value):
        return Evidence("bounce", note="the loss does not change from step to step")
    return Evidence(
        "bounce",
        value,
        BOUNCES,
        fired=value < BOUNCES,
        interval=past.steps_of(bins),
        note=f"over two steps the loss changes {value:.2f} times as much as over one",
    )


def measure(past: Past) -> dict[str, float]:
    """Features of the noise."""
    return {
        "rough": _octaves(bounce(past, past.between(0, 1))),
        "rough_late": _octaves(bounce(past, past.between(0.5, 1))),
        "noise_rel": decades(past.grain / (abs(past.end) + past.grain), 1e-6, 1),
        "wander": clip(decades(wander(past)), -1, 2),
        "noise_growth": clip(decades(_median(past, 0.7, 1) / _median(past, 0, 0.3)), -4, 4),
    }


def wander(past: Past) -> float:
    """Return how much more the mean loss of bins moves than independent noise would have it.

    1 for independent noise around a level; more where neighbouring steps drag one another up
    and down, as they do when momentum or a large learning rate throws a run about.
    """
    late = past.between(0.4, 1)
    rows = median(past.history["loss_n"][late])
    loss = past.loss[late]
    moves = np.abs(loss[1:] - loss[:-1])
    if len(moves) < 2 or rows < 1:  # noqa: PLR2004
        return math.nan
    return median(moves) * math.sqrt(rows) / past.grain


def _octaves(ratio: float) -> float:
    return 0.0 if math.isnan(ratio) else clip(math.log2(ratio), -2, 2)


def _median(past: Past, start: float, end: float) -> float:
    known = past.jitter[past.between(start, end)]
    known = known[known > 0]
    return median(known) if len(known) else math.nan
