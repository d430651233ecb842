"""A line thinned while its points come, so that none of them has to be kept."""

from __future__ import annotations

from typing import Final

import numpy as np

from lrwatch.records import FloatArray
from lrwatch_dashboard.data.thinning import N_POINTS

__all__ = ["Extremes"]

_NOTHING: Final = np.empty(0)


class Extremes:
    """The least and the greatest point of each bin of a line.

    Bins are those of `lrwatch_dashboard.data.thinning.thin`: a power of two of points, aligned to
    the first one. When they are full, each two become one.

    Parameters
    ----------
    n_bins
        How many there are at most, an even number.
    """

    def __init__(self, n_bins: int = N_POINTS // 2) -> None:
        self._n_bins = n_bins
        self._width = 2  # points of a bin
        self._n = 0  # bins that are full
        self._first = self._last = self._rest = (_NOTHING, _NOTHING)  # steps, and values
        # Steps and values, each of shape (2, bins): the least, and the greatest.
        self._x = np.empty((2, 0))
        self._y = np.empty((2, 0))

    def add(self, x: FloatArray, y: FloatArray) -> None:
        """Add points, both of shape ``(n,)``: finite values at steps that go on rising."""
        if not len(self._first[0]):
            self._first = x[:1].copy(), y[:1].copy()
        if len(x):
            self._last = x[-1:].copy(), y[-1:].copy()
        if len(self._rest[0]):
            x, y = np.concatenate([self._rest[0], x]), np.concatenate([self._rest[1], y])
        while len(x) >= self._width:
            if not self._x.size:
                self._x, self._y = np.empty((2, self._n_bins)), np.empty((2, self._n_bins))
            if self._n == self._n_bins:
                self._halve()
            n_full = min(len(x) // self._width, self._n_bins - self._n)
            self._fill(x[: n_full * self._width], y[: n_full * self._width])
            x, y = x[n_full * self._width :], y[n_full * self._width :]
        self._rest = x.copy(), y.copy()

    def points(self) -> tuple[FloatArray, FloatArray]:
        """Return steps and values of the points to draw, in order: the first and last are there."""
        x, y = self._rest
        at = [y.argmin(), y.argmax()] if len(y) else []
        kept = slice(0, self._n)
        xs = np.concatenate([self._first[0], self._x[:, kept].ravel(), x[at], self._last[0]])
        ys = np.concatenate([self._first[1], self._y[:, kept].ravel(), y[at], self._last[1]])
        steps, places = np.unique(xs, return_index=True)
        return steps, ys[places]

    def _fill(self, x: FloatArray, y: FloatArray) -> None:
        """Fill bins with points, of which there are enough for each."""
        xs, ys = x.reshape(-1, self._width), y.reshape(-1, self._width)
        rows, n = np.arange(len(ys)), self._n
        # Of equal values the first and the last, so that two points stay two.
        greatest = self._width - 1 - ys[:, ::-1].argmax(axis=1)
        for place, at in enumerate((ys.argmin(axis=1), greatest)):
            self._x[place, n : n + len(ys)] = xs[rows, at]
            self._y[place, n : n + len(ys)] = ys[rows, at]
        self._n += len(ys)

    def _halve(self) -> None:
        half = self._n_bins // 2
        for place, is_better in enumerate((np.less_equal, np.greater)):
            left = is_better(self._y[place, 0::2], self._y[place, 1::2])
            for kept in (self._x, self._y):
                kept[place, :half] = np.where(left, kept[place, 0::2], kept[place, 1::2])
        self._n, self._width = half, 2 * self._width
