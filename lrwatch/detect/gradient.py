"""Gradient growth: the gradient norm beside its own beginning, for its level says nothing.

Own; that a hundred times the beginning has blown up is a convention.

>>> from lrwatch.detect.tracker import past_of
>>> run = {"step": np.arange(80), "loss": np.ones(80), "lr": np.ones(80)}
>>> calm, wild = past_of(run | {"grad_norm": np.full(80, 7.0)}), past_of(run | {
...     "grad_norm": 1.1 ** np.arange(80)})
>>> blew_up(calm).fired, blew_up(wild).fired, blew_up(past_of(run)).note
(False, True, 'needs the gradient norm')
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from lrwatch.detect.past import Past
from lrwatch.detect.scale import clip, decades, median
from lrwatch.detect.wording import times
from lrwatch.records import FloatArray
from lrwatch.verdicts import Evidence

__all__ = ["blew_up", "growth", "measure"]

BLEW_UP: Final = 100.0
"""Times its beginning."""


def growth(past: Past) -> float:
    """Largest gradient norm over that of the first steps; NaN if unknown."""
    highest = past.history["grad_max"]
    if past.opening.grad > 0 and bool(np.isfinite(highest).any()):
        return float(np.fmax.reduce(highest)) / past.opening.grad
    return math.nan


def blew_up(past: Past) -> Evidence:
    """Test whether the gradient norm rose far above its beginning."""
    value = growth(past)
    if math.isnan(value):
        return Evidence("gradient_growth", note="needs the gradient norm")
    note = f"the gradient norm rose to {times(value)} that of the first steps"
    return Evidence("gradient_growth", value, BLEW_UP, value > BLEW_UP, past.interval, note)


def measure(past: Past) -> dict[str, float]:
    """Features of the gradient norm; NaN where there is none."""
    start = decades(past.opening.grad, 1e-30, 1e30)
    mean = np.log10(past.history["grad"] / np.maximum(past.history["grad_n"], 1))
    rows = max(float(past.history["rows"].sum()), 1.0)
    known = bool(np.isfinite(past.log_grad).any())
    highest = past.history["grad_max"][np.isfinite(past.history["grad_max"])]
    highest = np.sort(highest)[-2:-1]  # the highest but one: a single spike must not colour a run
    return {
        "grad_end": clip(_median(past.log_grad[past.between(0.8, 1)]) - start, -6, 6),
        "grad_middle": clip(_median(past.log_grad[past.between(0.2, 0.6)]) - start, -6, 6),
        "grad_max": clip(decades(float(highest[0]) / past.opening.grad), -2, 8)
        if len(highest)
        else math.nan,
        "grad_top": clip(float(np.fmax.reduce(past.log_grad)) - start, -3, 8),
        "grad_spread": _median(mean - past.log_grad),
        "clipped": float(past.history["clipped"].sum()) / rows if known else math.nan,
    }


def _median(values: FloatArray) -> float:
    known = values[np.isfinite(values)]
    return median(known) if len(known) else math.nan
