"""The smoothed loss: an average over both sides of each step, neither late nor blurred.

Idea: exponential averages from the left and from the right are late by as much in opposite
directions, so that together they are not late at all. Where the loss steps, one side holds values
from beyond the step and scatters far more than the other; it then counts for less, or nothing: a
fall after a cut of the rate begins at the cut and not before it.

Source: to take the calmer side is the idea of Kuwahara's filter (Kuwahara et al., Processing of
RI-angiocardiographic images, 1976), here with exponential weights instead of windows.
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from lrwatch.records import FloatArray

__all__ = ["half_life_for", "smooth"]

_SHARE_OF_RUN: Final = 0.02
_SEEN: Final = 0.01  # noise that is no more than this share of the span does no harm
_LEFT: Final = 0.175  # an average of half-life h leaves the root of this over h of the noise
_OF_NOISE: Final = 0.6745 * 6**0.5  # the median bend of white noise of size 1
_PIECE: Final = 1000  # rows that are looked at ...
_N_PIECES: Final = 20  # ... so many times
_FEWEST: Final = 8
_AT_ONCE: Final = 1 << 16  # rows whose sides are joined together: a million at once take 160 MB
_SEEN_AS_POINTS: Final = 40  # rows that an average would take from too many sides
_ALIKE, _APART = 3.0, 9.0  # ratios of the scatter of two sides that count alike, or one alone
_KNOWN: Final = 6.0  # values on a side before its scatter is known ...
_SHARE_KNOWN: Final = 0.25  # ... and this share of all that count there ...
_WELL_KNOWN: Final = 0.95  # ... and share from which on it is taken as it is


def half_life_for(n_steps: int, loss: npt.NDArray[np.float64] | None = None) -> int:
    """Return the half-life for a run: about 2 % of it, from the series 5, 10, 20, 50, ...

    A fixed series, so that a run that grows changes its smoothing rarely. None is longer than the
    noise of the `loss` asks for; a smooth curve has none, and of a few rows each is seen: 0.
    """
    if loss is not None and n_steps < _SEEN_AS_POINTS:
        return 0
    series = [digit * 10**power for power in range(1, 10) for digit in (1, 2, 5)]
    fitting = [half_life for half_life in series if half_life <= n_steps * _SHARE_OF_RUN]
    longest = max(fitting, default=5)
    if loss is None:
        return longest
    needed = _LEFT * (_noise(loss) / _SEEN) ** 2
    enough = (half_life for half_life in (5, *series) if half_life >= needed)
    return min(next(enough, longest), longest) if needed > 1 else 0


def _noise(loss: npt.NDArray[np.float64]) -> float:
    """Return how far a loss is off its own course, as a share of the span that is drawn."""
    starts = np.unique(np.linspace(0, max(len(loss) - _PIECE, 0), _N_PIECES).astype(np.intp))
    finite = loss[np.isfinite(loss)]
    if len(finite) < _FEWEST:
        return 1.0
    is_log = bool(finite.min() > 0)
    low, high = (float(np.quantile(finite, share)) for share in (0.02, 0.98))
    span = np.log(high / low) if is_log else high - low
    bends = []
    for start in starts:
        piece = loss[start : start + _PIECE]
        with np.errstate(all="ignore"):
            bends.append(np.diff(np.log(piece) if is_log else piece, 2))
    bent = np.abs(np.concatenate(bends))
    bent = bent[np.isfinite(bent)]
    if not span > 0 or not len(bent):
        return 0.0
    return float(np.median(bent)) / _OF_NOISE / float(span)


def smooth(loss: FloatArray, half_life: float) -> FloatArray:
    """Return the moving average of a loss over both sides of each step.

    Where every value is positive their logarithms are averaged, because that is the scale on
    which the loss is drawn, and one spike then does not lift the line for long.

    Parameters
    ----------
    loss
        Shape ``(n_steps,)``; values that are not finite carry no weight.
    half_life
        Steps after which, on either side, a value weighs half as much.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_steps,)``; NaN where the loss is not finite.
    """
    finite = np.isfinite(loss)
    if not finite.any():
        return np.full(len(loss), np.nan)
    is_log = bool((loss > 0)[finite].all())
    values = np.log(loss, where=finite, out=np.full_like(loss, np.nan)) if is_log else loss
    scale = float(np.abs(values[finite]).max()) or 1.0
    values = np.where(finite, values, np.nan) / scale
    middle = float(np.median(values[finite]))
    average = (_both_sides(values - middle, half_life) + middle) * scale
    return np.exp(average) if is_log else average


def _both_sides(values: FloatArray, half_life: float) -> FloatArray:
    """Return the average of values about 0; NaN where one is."""
    before = _one_side(values, half_life)
    after = tuple(side[::-1] for side in _one_side(values[::-1], half_life))
    average = np.empty(len(values))
    for first in range(0, len(values), _AT_ONCE):
        rows = slice(first, first + _AT_ONCE)
        left, right = (tuple(part[rows] for part in side) for side in (before, after))
        average[rows] = _joined(values[rows], left, right, half_life)
    return average


def _joined(
    values: FloatArray,
    side_before: tuple[FloatArray, ...],
    side_after: tuple[FloatArray, ...],
    half_life: float,
) -> FloatArray:
    """Join what `_one_side` says of both, row by row."""
    before, weight_before, late, scatter_before = side_before
    after, weight_after, early, scatter_after = side_after
    with np.errstate(all="ignore"):
        ratio = np.log(scatter_before / scatter_after)
        known = np.minimum(weight_before, weight_after)
        whole = half_life / np.log(2)  # weight of a side that goes on for ever
        least = max(_KNOWN, _SHARE_KNOWN * whole)
        # Little by little: where a rule sets in at once, the line has a kink.
        how_known = np.clip((known - least) / (_WELL_KNOWN * whole - least), 0, 1)
        share = (np.abs(ratio) - np.log(_ALIKE)) / np.log(_APART / _ALIKE)
        less = 1 - how_known * np.clip(np.where(np.isfinite(ratio), share, 0), 0, 1)
        of_before, of_after = np.where(ratio > 0, less, 1.0), np.where(ratio < 0, less, 1.0)
        # Near its beginning a run has little before: as much after would be early. Near its end
        # nothing else than what was before is there to be had.
        balance = late * weight_before / (early * weight_after)
        of_after = np.fmin(of_after, np.where(of_before > 0, balance, 1.0))
        both = np.minimum(of_before, of_after)  # how much the value itself is in both
        total = of_before * before * weight_before + of_after * after * weight_after
        weight = of_before * weight_before + of_after * weight_after - both
        average: FloatArray = (total - both * values) / weight
    return average


def _one_side(values: FloatArray, half_life: float) -> tuple[FloatArray, ...]:
    """Return the average of the values up to each one, their weight, how late and scattered."""

    def averaged(of: FloatArray) -> FloatArray:
        return np.asarray(pd.Series(of).ewm(halflife=half_life).mean())

    places = np.arange(len(values), dtype=np.float64)
    decay = np.log(0.5) / half_life
    weight = np.expm1(decay * (places + 1)) / np.expm1(decay)
    missing = np.isnan(values)
    if missing.any():
        weight *= averaged(1.0 - missing)
        places[missing] = np.nan
    mean = averaged(values)
    return mean, weight, places - averaged(places), averaged(values**2) - mean**2
