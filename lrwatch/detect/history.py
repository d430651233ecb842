"""A run's whole past in at most 128 bins of equal width, however long the run.

When the bins are full, neighbours are merged and the width doubles. Every statistic of the
diagnosis is a function of these bins, so that what is said after a million steps costs as
much memory and time as what is said after a thousand.

Source: the usual halving of a fixed buffer; own is that bins add up in the order of the rows.

>>> from lrwatch.detect.groups import summarise
>>> from lrwatch.tables import step_block
>>> rows = step_block({"step": range(4000), "loss": np.ones(4000), "lr": np.ones(4000)})
>>> history = History()
>>> history.add(summarise(rows, np.ones(4000), np.full(2, np.nan)))
>>> len(history), history["rows"][:3]
(125, array([32., 32., 32.]))
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lrwatch.detect.groups import MAXIMA, MINIMA, PLACES, SUMS, Groups
from lrwatch.records import FloatArray

__all__ = ["CAPACITY", "History"]

CAPACITY: Final = 128
"""Bins at most; after the first doubling there are always more than half as many."""


class History:
    """Sums, minima and maxima of consecutive bins of rows.

    Notes
    -----
    Groups are added one after the other in the order of their rows, never in pairs, so that
    a sum is the same to the last bit however many groups come at once.
    """

    def __init__(self) -> None:
        self._sums = np.zeros((CAPACITY, len(SUMS)))
        self._minima = np.full((CAPACITY, len(MINIMA)), np.nan)
        self._maxima = np.full((CAPACITY, len(MAXIMA)), np.nan)
        self._width = 1  # groups a bin
        self._n_groups = 0  # in all bins

    def add(self, groups: Groups) -> None:
        """Take the next groups of the run."""
        at = 0
        while at < len(groups):
            if self._n_groups == CAPACITY * self._width:
                self._merge_neighbours()
            bin_, filled = divmod(self._n_groups, self._width)
            n_bins = min((len(groups) - at) // self._width, CAPACITY - bin_)
            if filled or not n_bins:
                end = min(len(groups), at + self._width - filled)
                self._add_to(bin_, groups, slice(at, end))
            else:
                end = at + n_bins * self._width
                self._fill(slice(bin_, bin_ + n_bins), groups[at:end])
            self._n_groups += end - at
            at = end

    def _fill(self, bins: slice, groups: Groups) -> None:
        """Set bins that are empty so far to whole widths of groups."""
        n_bins = bins.stop - bins.start
        sums, minima, maxima = (
            table.reshape(n_bins, self._width, -1)
            for table in (groups.sums, groups.minima, groups.maxima)
        )
        self._sums[bins] = np.add.accumulate(sums, axis=1)[:, -1]
        self._minima[bins] = np.fmin.reduce(minima, axis=1)
        self._maxima[bins] = np.fmax.reduce(maxima, axis=1)

    def _add_to(self, bin_: int, groups: Groups, rows: slice) -> None:
        joined = np.concatenate([self._sums[bin_ : bin_ + 1], groups.sums[rows]])
        self._sums[bin_] = np.add.accumulate(joined, axis=0)[-1]
        lowest = np.fmin.reduce(groups.minima[rows], axis=0)
        highest = np.fmax.reduce(groups.maxima[rows], axis=0)
        self._minima[bin_] = np.fmin(self._minima[bin_], lowest)
        self._maxima[bin_] = np.fmax(self._maxima[bin_], highest)

    def _merge_neighbours(self) -> None:
        half = CAPACITY // 2
        self._sums[:half] = self._sums[0::2] + self._sums[1::2]
        self._minima[:half] = np.fmin(self._minima[0::2], self._minima[1::2])
        self._maxima[:half] = np.fmax(self._maxima[0::2], self._maxima[1::2])
        self._clear(half)
        self._width *= 2

    def _clear(self, start: int) -> None:
        self._sums[start:] = 0.0
        self._minima[start:] = np.nan
        self._maxima[start:] = np.nan

    def forget_from(self, step: int) -> None:
        """Drop the bins that reach `step` or beyond: a resumed run writes them again."""
        keep = int(np.count_nonzero(self["last_step"] < step))
        self._clear(keep)
        self._n_groups = min(self._n_groups, keep * self._width)

    def __len__(self) -> int:
        """Return the number of bins in use."""
        return (self._n_groups + self._width - 1) // self._width

    def __getitem__(self, name: str) -> FloatArray:
        """Return a field of all bins, by its name in `SUMS`, `MINIMA` or `MAXIMA`."""
        table, column = PLACES[name]
        return (self._sums, self._minima, self._maxima)[table][: len(self), column]
