"""Which points of a long line to draw, so that no spike is lost and nothing flickers."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["N_POINTS", "spread", "thin"]

N_POINTS: Final = 2000
"""The most points of one line within the visible steps."""

_N_OUTSIDE: Final = 400  # on either side of a zoom: what a pan or a zoom out shows at first


def thin(
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    window: tuple[float, float] | None = None,
    n_points: int = N_POINTS,
) -> npt.NDArray[np.intp]:
    """Return which points of a line to draw: of each bin the least and the greatest, in order.

    Bins hold a power of two of points and are aligned to the first one, so that a line that grows
    keeps the points it was drawn with until the bins double. `x` ascends, both are of shape
    ``(n,)``; points whose `y` is not finite are left out. At most so many points are drawn within
    the window, beside which the line is coarse, or of the whole line without one.
    """
    finite = np.flatnonzero(np.isfinite(y))
    if window is None:
        return finite[_extremes(y[finite], n_points)]
    first = int(np.searchsorted(x[finite], window[0], side="left"))
    last = int(np.searchsorted(x[finite], window[1], side="right"))
    # One point more at either side, so that the line runs on to the frame.
    first, last = max(first - 1, 0), min(last + 1, len(finite))
    before, inside, after = finite[:first], finite[first:last], finite[last:]
    return np.concatenate(
        [
            before[_extremes(y[before], _N_OUTSIDE)],
            inside[_extremes(y[inside], n_points)],
            after[_extremes(y[after], _N_OUTSIDE)],
        ]
    )


def spread(x: npt.NDArray[np.float64], n_points: int) -> npt.NDArray[np.float64]:
    """Return at most so many of the values, evenly spread, the first and last among them."""
    if len(x) <= n_points:
        return x
    return x[np.linspace(0, len(x) - 1, n_points).astype(np.intp)]


def _extremes(y: npt.NDArray[np.float64], n_points: int) -> npt.NDArray[np.intp]:
    n = len(y)
    if n <= n_points:
        return np.arange(n)
    # Two points a bin, and two more for the ends.
    width = 1 << int(np.ceil(np.log2(n / (n_points // 2 - 1))))
    n_full = n // width
    bins = y[: n_full * width].reshape(n_full, width)
    starts = np.arange(n_full) * width
    chosen = [starts + bins.argmin(axis=1), starts + bins.argmax(axis=1), np.array([0, n - 1])]
    rest = y[n_full * width :]
    if len(rest):
        chosen.append(n_full * width + np.array([rest.argmin(), rest.argmax()]))
    return np.unique(np.concatenate(chosen))
