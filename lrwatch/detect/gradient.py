"""The gradient norm beside its own beginning. Its absolute level says nothing."""

from __future__ import annotations

import math

import numpy as np

from lrwatch.detect.past import Past
from lrwatch.detect.scale import clip, decades, median
from lrwatch.records import FloatArray

__all__ = ["growth", "measure"]


def growth(past: Past) -> float:
    """Largest gradient norm over that of the first steps; NaN if unknown."""
    highest = past.history["grad_max"]
    if past.opening.grad > 0 and bool(np.isfinite(highest).any()):
        return float(np.fmax.reduce(highest)) / past.opening.grad
    return math.nan


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
