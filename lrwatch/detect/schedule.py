"""Schedule: where the learning rate had its peak, how low it fell after, if it was swept.

Source: of the range test, Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017,
3.3; the rest is own: no step schedule divides by 20 at once.

>>> from lrwatch.detect.tracker import past_of
>>> def run(lr):
...     return past_of({"step": np.arange(100), "loss": np.ones(100), "lr": lr})
>>> swept, steps = run(1e-5 * 1.1 ** np.arange(100)), run(np.where(np.arange(100) < 60, 1, 0.1))
>>> range_test(swept).fired, range_test(steps).fired
(True, False)
>>> cut(steps), cut(run(np.where(np.arange(100) < 60, 1, 0.01))).step
(None, 60)
>>> in_warmup(run(np.arange(100) / 1e4)), in_warmup(steps)
(True, False)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np

from lrwatch.detect.past import TINY, Past
from lrwatch.detect.scale import clip, decades
from lrwatch.formats import number
from lrwatch.records import FloatArray
from lrwatch.verdicts import Evidence

__all__ = ["CUT", "Cut", "cut", "in_warmup", "measure", "range_test"]

CUT: Final = 20.0
"""Factor of a cut that no step schedule makes at once: those divide by 2 to 10."""

SWEEP: Final = 30.0
"""Factor that a range test covers at least."""

UNEVEN: Final = 0.05
"""Share of the sweep, on a logarithmic scale, by which a rate may leave the straight line."""

SUDDEN: Final = 3
"""Bins within which a fall is sudden."""


@dataclass(frozen=True, slots=True)
class Cut:
    """A sudden fall of the learning rate.

    Attributes
    ----------
    bin
        First bin at the lower rate.
    step
        Its first step.
    factor
        Rate before over rate after.
    """

    bin: int
    step: int
    factor: float


def cut(past: Past) -> Cut | None:
    """Find the first fall of the learning rate by a factor of `CUT` within a few bins."""
    lr = np.maximum(past.lr, TINY)
    if len(lr) <= SUDDEN:
        return None
    factors = lr[:-SUDDEN] / lr[SUDDEN:]
    sudden = np.flatnonzero((factors >= CUT) & (lr[:-SUDDEN] >= 0.1 * lr.max()))
    if not len(sudden):
        return None
    after = int(sudden[0]) + SUDDEN
    while after > 1 and lr[after - 1] <= 2 * lr[after]:
        after -= 1
    return Cut(after, int(past.first_step[after]), float(lr[sudden[0]] / lr[after]))


def in_warmup(past: Past) -> bool:
    """Whether the learning rate has so far only grown, and still does."""
    if len(past) <= SUDDEN:
        return False
    recent = past.lr[past.between(0.75, 1)]
    return bool(np.all(past.lr[1:] >= past.lr[:-1]) and recent[0] < 0.9 * recent[-1])


def range_test(past: Past) -> Evidence:
    """Test whether the learning rate was swept upwards by the same factor at every step."""
    if not np.isfinite(past.lr).any():
        return Evidence("range_test", note="needs the learning rate")
    lr = np.maximum(past.lr, TINY)
    swept = float(lr[-1] / lr[0])
    return Evidence(
        "range_test",
        swept,
        SWEEP,
        fired=swept >= SWEEP and len(past) > SUDDEN and _grows_evenly(past, lr),
        interval=past.interval,
        note=f"the learning rate went from {number(lr[0], 2)} to {number(lr[-1], 2)}"
        if swept != 1
        else f"the learning rate is {number(lr[0], 2)} at both ends",
        speaks="neither",
    )


def _grows_evenly(past: Past, lr: FloatArray) -> bool:
    if not np.all(lr[1:] > lr[:-1]):
        return False
    line = np.interp(past.middle, past.middle[[0, -1]], np.log(lr[[0, -1]]))
    return bool(np.all(np.abs(np.log(lr) - line) < UNEVEN * math.log(lr[-1] / lr[0])))


def measure(past: Past) -> dict[str, float]:
    """Features of the schedule."""
    peak = float(past.lr.max())
    if not peak > 0:  # 0, or unknown
        return {"lr_end": math.nan, "lr_mean": math.nan, "lr_peak_at": math.nan}
    mean = float((past.lr * past.steps).sum()) / max(past.n_steps, TINY)
    return {
        "lr_end": decades(float(past.lr[-1]) / peak, 1e-4, 1),
        "lr_mean": clip(mean / peak, 0, 1),
        "lr_peak_at": float(past.middle[int(np.argmax(past.lr))]),
    }
