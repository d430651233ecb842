"""The smoothed loss: an exponential moving average without pull towards its start."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["half_life_for", "smooth"]

_SHARE_OF_RUN: Final = 0.02
_SEEN: Final = 0.01  # noise that is no more than this share of the span does no harm
_LATE: Final = 0.35  # an average of half-life h leaves the root of this over h of the noise
_OF_NOISE: Final = 0.6745 * 6**0.5  # the median bend of white noise of size 1
_PIECE: Final = 1000  # rows that are looked at ...
_N_PIECES: Final = 20  # ... so many times
_FEWEST: Final = 8


def half_life_for(n_steps: int, loss: npt.NDArray[np.float64] | None = None) -> int:
    """Return the half-life for a run: about 2 % of it, from the series 5, 10, 20, 50, ...

    A fixed series, so that a run that grows changes its smoothing rarely. An average comes late, so
    that none is longer than the noise of the `loss` asks for, and a smooth curve has none: 0.
    """
    series = [digit * 10**power for power in range(1, 10) for digit in (1, 2, 5)]
    fitting = [half_life for half_life in series if half_life <= n_steps * _SHARE_OF_RUN]
    longest = max(fitting, default=5)
    if loss is None:
        return longest
    needed = _LATE * (_noise(loss) / _SEEN) ** 2
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


def smooth(loss: npt.NDArray[np.float64], half_life: float) -> npt.NDArray[np.float64]:
    """Return the debiased moving average of a loss.

    Where every value is positive their logarithms are averaged, because that is the scale on
    which the loss is drawn, and one spike then does not lift the line for long.

    Parameters
    ----------
    loss
        Shape ``(n_steps,)``; values that are not finite carry no weight.
    half_life
        Steps after which a value weighs half as much.

    Returns
    -------
    numpy.ndarray
        Shape ``(n_steps,)``; NaN where the loss is not finite.
    """
    finite = np.isfinite(loss)
    is_log = bool((loss > 0)[finite].all())
    values = np.log(loss, where=finite, out=np.full_like(loss, np.nan)) if is_log else loss
    average = pd.Series(np.where(finite, values, np.nan)).ewm(halflife=half_life).mean()
    average[~finite] = np.nan
    return np.exp(average.to_numpy()) if is_log else average.to_numpy()
