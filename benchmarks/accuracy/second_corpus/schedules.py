"""Schedules as a share of the peak learning rate, by the share of the steps that are done."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import Any

Schedule = Callable[[float], float]


def schedule(name: str, **options: Any) -> Schedule:
    """Share of the peak as a function of progress in [0, 1)."""
    shape = _SHAPES[name]
    return lambda done: shape(done, **options)


def _constant(_: float) -> float:
    return 1.0


def _step(done: float, *, every: float = 1 / 3, factor: float = 0.1) -> float:
    return math.pow(factor, done // every)


def _exponential(done: float, *, final: float = 0.05) -> float:
    return math.pow(final, done)


def _inverse_time(done: float, *, halvings: float = 10.0) -> float:
    return 1 / (1 + halvings * done)


def _polynomial(done: float, *, power: float = 1.0) -> float:
    return math.pow(1 - done, power)


def _cosine(done: float) -> float:
    return 0.5 * (1 + math.cos(math.pi * done))


def _triangular(done: float, *, period: float = 0.2, low: float = 0.1) -> float:
    """Up and down again in each period (Smith 2017)."""
    return low + (1 - low) * (1 - abs(2 * ((done / period) % 1) - 1))


def _one_cycle(done: float, *, peak_at: float = 0.3) -> float:
    if done < peak_at:
        return 0.04 + 0.96 * _cosine(1 - done / peak_at)
    return max(_cosine((done - peak_at) / (1 - peak_at)), 1e-6)


def _warmup(done: float, *, until: float = 0.1, then: str = "constant", **options: Any) -> float:
    if done < until:
        return 0.001 + 0.999 * done / until
    return _SHAPES[then]((done - until) / (1 - until), **options)


def _stable_decay(done: float, *, decay_at: float = 0.8) -> float:
    return 1.0 if done < decay_at else (1 - done) / (1 - decay_at)


def _jittered(done: float, *, spread: float = 0.5) -> float:
    """Cosine times a factor that is drawn anew for each hundredth of the run."""
    return _cosine(done) * (1 - spread * random.Random(int(100 * done)).random())


_SHAPES: dict[str, Callable[..., float]] = {
    "constant": _constant,
    "step": _step,
    "exponential": _exponential,
    "inverse_time": _inverse_time,
    "polynomial": _polynomial,
    "cosine": _cosine,
    "triangular": _triangular,
    "one_cycle": _one_cycle,
    "warmup": _warmup,
    "stable_decay": _stable_decay,
    "jittered": _jittered,
}
