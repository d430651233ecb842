"""Range tests: runs whose learning rate was swept upwards, read as loss against learning rate.

Nothing is fitted: the run is cut into equal stretches, which are equal factors of the rate, and
medians over them say where the loss falls fastest, is lowest and diverges.

References
----------
L. N. Smith, Cyclical Learning Rates for Training Neural Networks, WACV 2017, section 3.3.
Two customs choose a rate from such a test: the one of the steepest descent, and a tenth of the
one at which the loss was lowest. Neither is better founded, so the band runs between them.
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lrwatch.formats import number
from lrwatch.records import FloatArray
from lrwatch_dashboard.comparison_views import RangeTest
from lrwatch_dashboard.views import Curve, RunCurves, RunView

__all__ = ["range_test"]

_N_STRETCHES: Final = 50
_FEWEST_STEPS: Final = 4  # in a stretch
_REACH: Final = 2  # stretches to either side over which a slope is taken
_LEAST_FALL: Final = 0.05  # of the loss at the start: less is no fall
_SHARE_OF_LOWEST: Final = 0.1


def range_test(view: RunView, curves: RunCurves) -> RangeTest:
    """Read a range test."""
    rates, losses, n_after = _by_rate(curves)
    x, y = _medians(rates, losses)
    steepest = lowest = diverges = band = None
    if len(y) > 2 * _REACH:
        at = int(np.argmin(y))
        if y[0] - y[at] > _LEAST_FALL * abs(y[0]):
            lowest = float(x[at])
            steepest = float(x[_steepest(x, y, at)])
            diverges = _diverges(x, y, at, rates, is_broken=n_after > 0)
        if steepest is not None and lowest is not None and diverges is not None:
            tenth = _SHARE_OF_LOWEST * lowest
            band = min(steepest, tenth), max(steepest, tenth)
    return RangeTest(
        key=view.key,
        name=view.name,
        is_running=view.state == "running",
        loss=Curve("loss", rates, losses),
        smooth_loss=Curve("median", x, y),
        steepest=steepest,
        lowest=lowest,
        diverges=diverges,
        band=band,
        reason=_sentence(steepest, lowest, diverges, band),
    )


def _by_rate(curves: RunCurves) -> tuple[FloatArray, FloatArray, int]:
    """Return rates and losses up to the first loss that is not finite, and how many come after."""
    lr, loss = curves.lr[0] if curves.lr else curves.loss, curves.loss
    if not len(lr.x) or not len(loss.x):
        return np.empty(0), np.empty(0), 0
    seen = loss.x < (curves.first_broken if curves.first_broken is not None else np.inf)
    rates = np.exp(np.interp(loss.x, lr.x, np.log(np.maximum(lr.y, np.finfo(float).tiny))))
    return rates[seen], loss.y[seen], curves.n_broken


def _medians(rates: FloatArray, losses: FloatArray) -> tuple[FloatArray, FloatArray]:
    n = min(_N_STRETCHES, len(losses) // _FEWEST_STEPS)
    if n < 1:
        return np.empty(0), np.empty(0)
    pieces = zip(np.array_split(rates, n), np.array_split(losses, n), strict=True)
    pairs = [(np.exp(np.mean(np.log(lr))), np.median(loss)) for lr, loss in pieces]
    x, y = np.array(pairs, dtype=np.float64).T
    return x, y


def _steepest(x: FloatArray, y: FloatArray, lowest: int) -> int:
    """Return where the loss falls fastest by factor of the rate, on its way to the lowest."""
    places = np.arange(lowest + 1)
    before, after = np.maximum(places - _REACH, 0), np.minimum(places + _REACH, lowest)
    run = np.log(x[np.maximum(after, 1)]) - np.log(x[before])
    return int(np.argmin((y[after] - y[before]) / np.maximum(run, np.finfo(float).tiny)))


def _diverges(
    x: FloatArray, y: FloatArray, lowest: int, rates: FloatArray, *, is_broken: bool
) -> float | None:
    lost = np.flatnonzero(y[lowest:] >= y[0])
    if len(lost):
        return float(x[lowest + int(lost[0])])
    return float(rates[-1]) if is_broken else None


def _sentence(
    steepest: float | None,
    lowest: float | None,
    diverges: float | None,
    band: tuple[float, float] | None,
) -> str:
    if steepest is None or lowest is None:
        return "The loss never falls, so this test says nothing; start at a lower rate"
    points = f"Loss falls fastest at a rate of {number(steepest, 2)}"
    if diverges is None or band is None:
        points += f" and is lowest at {number(lowest, 2)}"
        return f"{points}; it has not diverged yet, so test higher rates as well"
    low, high = (number(rate, 2) for rate in band)
    tried = f"{low} to {high}" if low != high else low
    points += f", is lowest at {number(lowest, 2)} and diverges at {number(diverges, 2)}"
    return f"{points}; try {tried}"
