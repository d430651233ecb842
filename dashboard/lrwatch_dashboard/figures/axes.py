"""Ranges and ticks of the y axes, computed here because plotly's own ticks read badly.

On a log axis plotly writes "100 u" and crowds the digits 2 to 9 between powers; over less
than a decade it may write no number at all.
"""

from __future__ import annotations

import math
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lrwatch.formats import number

__all__ = ["even_ticks", "linear_axis", "log_axis"]

_PADDING: Final = 0.06  # of the span, above and below
_MANY_DECADES: Final = 2.6  # from here on only powers of ten are written
_FEW_DECADES: Final = 0.7  # below, ticks stand at equal distances
_FLAT_DECADES: Final = 0.08  # what varies by less is drawn as flat
_LAST_EXPONENT: Final = 307.0  # of a number that can still be multiplied a little
_HUGE: Final = 1e307
_N_TICKS: Final = 4
_RARE: Final = 0.02  # of the values; so few may be cut off ...
_LEAST_SHARE: Final = 1e-5  # ... where they are by so much smaller than the next
_PLAIN_EXPONENTS: Final = range(-3, 4)  # written 0.001 ... 1000, others as powers


def log_axis(values: npt.NDArray[np.float64], *include: float) -> dict[str, Any]:
    """Return range and ticks of a log axis over positive values, of any shape, and `include`."""
    positive = values[np.isfinite(values) & (values > 0)]
    if len(positive):
        # A few gradients that are zero but for rounding must not squeeze the rest into one line.
        usual = np.quantile(positive, _RARE, method="lower")
        positive = positive[positive >= _LEAST_SHARE * usual]
    low, high = _extent(positive, include)
    bottom, top = math.log10(low), math.log10(high)
    # A flat line stands in the middle of a little room.
    pad = _PADDING * (top - bottom) if top - bottom > _FLAT_DECADES else _FLAT_DECADES
    bottom, top = max(bottom - pad, -_LAST_EXPONENT), min(top + pad, _LAST_EXPONENT)
    ticks = _log_ticks(bottom, top)
    return {
        "type": "log",
        "range": [bottom, top],
        "tickvals": ticks,
        "ticktext": [_tick_text(tick) for tick in ticks],
    }


def linear_axis(values: npt.NDArray[np.float64]) -> dict[str, Any]:
    """Return range and ticks of a linear axis over the finite values."""
    finite = np.clip(values[np.isfinite(values)], -_HUGE, _HUGE)
    low, high = _extent(finite, ())
    if high - low <= 1e-9 * max(abs(high), abs(low)):
        margin = abs(high) * 0.3 or 1.0
        low, high = low - margin, high + margin
    pad = _PADDING * (high - low)
    bottom, top = low - pad, high + pad
    ticks = even_ticks(bottom, top)
    return {
        "type": "linear",
        "range": [bottom, top],
        "tickvals": ticks,
        "ticktext": [number(tick) for tick in ticks],
    }


def _extent(values: npt.NDArray[np.float64], include: tuple[float, ...]) -> tuple[float, float]:
    everything = np.append(values, include) if include else values
    if not len(everything):
        return 1.0, 1.0
    return float(everything.min()), float(everything.max())


def _log_ticks(bottom: float, top: float) -> list[float]:
    span = top - bottom
    if span < _FEW_DECADES:
        return [tick for tick in even_ticks(10**bottom, 10**top) if tick > 0]
    exponents = range(math.ceil(bottom), math.floor(top) + 1)
    if span >= _MANY_DECADES:
        stride = max(1, math.ceil(len(exponents) / (_N_TICKS + 1)))
        return [10.0**e for e in exponents if e % stride == 0]
    digits = (1, 2, 5) if span < 1.5 else (1, 3)  # noqa: PLR2004
    candidates = [d * 10.0**e for e in range(exponents.start - 1, exponents.stop) for d in digits]
    return [tick for tick in candidates if bottom <= math.log10(tick) <= top]


def even_ticks(low: float, high: float) -> list[float]:
    """Return a few round values at equal distances between two, of which the first is less."""
    raw = (high - low) / _N_TICKS
    if not raw > 0:  # they are so small that they are one
        return [low]
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step), math.floor(high / step)
    return [float(f"{k * step:.10g}") for k in range(first, last + 1)]


def _tick_text(tick: float) -> str:
    power = math.floor(math.log10(tick) + 1e-9)
    digits, text = number(tick / 10.0**power), number(tick)
    if power in _PLAIN_EXPONENTS or (digits != "1" and "e" not in text):
        return text
    return f"{digits}·10<sup>{power}</sup>".removeprefix("1·")
