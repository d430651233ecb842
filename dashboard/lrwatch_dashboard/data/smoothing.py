"""The smoothed loss: an exponential moving average without pull towards its start."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["half_life_for", "smooth"]

_HALF_LIVES_A_BLOCK: Final = 40  # weights within a block span 2**40, well inside a double
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

    References
    ----------
    The division by the sum of weights is the bias correction of D. P. Kingma, J. Ba, Adam: A
    Method for Stochastic Optimization, ICLR 2015, section 3.
    """
    finite = np.isfinite(loss)
    is_log = bool(finite.any()) and float(loss[finite].min()) > 0
    values = np.log(loss, where=finite & (loss > 0), out=np.zeros_like(loss)) if is_log else loss
    averaged = _decaying_sum(np.where(finite, values, 0.0), half_life)
    weight = _weights(finite, half_life)
    with np.errstate(invalid="ignore", divide="ignore"):
        average = np.where(finite, averaged / weight, np.nan)
    return np.exp(average) if is_log else average


def _weights(finite: npt.NDArray[np.bool_], half_life: float) -> npt.NDArray[np.float64]:
    """Return the sum of weights at each step; it has a closed form where nothing is missing."""
    if not finite.all():
        return _decaying_sum(finite.astype(np.float64), half_life)
    log_decay = -np.log(2.0) / half_life
    steps = np.arange(1, len(finite) + 1, dtype=np.float64)
    return np.asarray(np.expm1(log_decay * steps) / np.expm1(log_decay), dtype=np.float64)


def _decaying_sum(x: npt.NDArray[np.float64], half_life: float) -> npt.NDArray[np.float64]:
    """Return ``s[i] = x[i] + decay * s[i - 1]``, a block at a time and not a value at a time."""
    decay = 0.5 ** (1.0 / half_life)
    size = max(int(_HALF_LIVES_A_BLOCK * half_life), 1)
    growth = decay ** -np.arange(size, dtype=np.float64)
    out = np.empty_like(x)
    carried = 0.0
    for begin in range(0, len(x), size):
        block = x[begin : begin + size]
        scale = growth[: len(block)]
        # The sum before the block has decayed once by the time of its first value.
        out[begin : begin + size] = (np.cumsum(block * scale) + carried * decay) / scale
        carried = float(out[begin + len(block) - 1])
    return out
