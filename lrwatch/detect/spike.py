"""Spike: a loss far above its neighbours, after which the run went on as before.

Own, fitted on the labelled runs: the highest loss of a bin over its mean, beside what is usual.

>>> from lrwatch.detect.tracker import past_of
>>> loss = 1 + np.exp(-np.arange(400) / 40) + 0.02 * np.random.default_rng(0).random(400)
>>> run = {"step": np.arange(400), "lr": np.ones(400)}
>>> once = spike(past_of(run | {"loss": np.where(np.arange(400) == 300, 9, loss)}))
>>> once.fired, once.interval
(True, (300, 303))
>>> spike(past_of(run | {"loss": np.where(np.arange(400) >= 300, 9, loss)})).fired  # stays up
False
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lrwatch.detect.past import TINY, Past
from lrwatch.detect.scale import median
from lrwatch.detect.wording import times
from lrwatch.formats import number
from lrwatch.verdicts import Evidence

__all__ = ["spike"]

HEIGHT: Final = 10.0
"""Times the usual distance of a bin's highest loss from its mean."""

SHARE: Final = 0.3
"""Of the whole decrease: a lower bump matters to nobody."""

RECOVERED: Final = 0.1
"""Share of the spike's height above the level before it that may be left."""

OPENING: Final = 0.03  # of the run: its first steps may be anywhere


def spike(past: Past) -> Evidence:
    """Test whether there was a spike that the run got over; the highest counts."""
    height = past.history["loss_max"] - past.loss
    usual = median(height[np.isfinite(height)]) + TINY
    late = past.middle > OPENING
    candidates = np.where(late & np.isfinite(height), height, -np.inf)
    at = int(np.argmax(candidates))
    ratio = float(candidates[at]) / usual
    before, after = past.loss[max(0, at - 3) : at], past.loss[at + 1 : at + 4]
    above = float(past.history["loss_max"][at])
    fired = False
    if len(before) and len(after):
        base = median(before)
        left = median(past.loss[at + 1 :]) - base
        high = above - base
        fired = ratio > HEIGHT and high > SHARE * past.gained and left < RECOVERED * high
    return Evidence(
        "spike",
        ratio,
        HEIGHT,
        fired=fired,
        interval=(int(past.first_step[at]), int(past.last_step[at])),
        note=f"loss {number(above)} at its highest, {times(ratio)} as far off as usual",
        speaks="neither",
    )
