"""The smoothed loss: an exponential moving average without pull towards its start."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["half_life_for", "smooth"]

_SHARE_OF_RUN: Final = 0.02


def half_life_for(n_steps: int) -> int:
    """Return the half-life for a run: about 2 % of it, from the series 5, 10, 20, 50, ...

    A fixed series, so that a run that grows changes its smoothing rarely.
    """
    series = [digit * 10**power for power in range(1, 10) for digit in (1, 2, 5)]
    fitting = [half_life for half_life in series if half_life <= n_steps * _SHARE_OF_RUN]
    return max(fitting, default=5)


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
