"""A loss that is NaN for good in a log that had one in every row, while gradients stay finite.

NaN beside a finite gradient norm, or in a step that the optimizer skipped, is usually a loss
that was not logged, or one that loss scaling got over. Not so where it lasts.

Own; the counts are fitted on public logs, which leave gaps of up to a hundred rows.

>>> from lrwatch.tables import step_block
>>> def rows(n, loss):
...     return step_block({"step": range(n), "loss": np.full(n, loss), "lr": np.ones(n),
...                        "grad_norm": np.ones(n)})
>>> dense = Vanished().after(rows(200, 1.0))
>>> [int(dense.lasts(rows(n, np.nan)).sum()) for n in (100, 130)]  # rows in which it lasts
[0, 11]
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lrwatch.records import StepBlock

__all__ = ["DENSE", "LASTING", "Vanished"]

DENSE: Final = 16
"""Finite losses running, after which a log is known to have one in every row."""

LASTING: Final = 24
"""Rows of NaN running that count where fewer would not."""

LONG: Final = 120
"""The same beside finite gradients: more than most logs leave between two losses."""

SHARE: Final = 0.2
"""Share of the rows before that they must make up as well, beside finite gradients."""

_BoolArray = npt.NDArray[np.bool_]
_IntArray = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Vanished:
    """How long the loss has been NaN, for no reason that the rows would give.

    Attributes
    ----------
    n_nan
        Rows of such NaN running.
    first
        Step of the first of them; 0 while there is none.
    longest
        Most such rows that were followed by a loss.
    n_finite, is_dense
        Finite losses running; whether there ever were `DENSE` of them.
    n_rows
        Rows so far.
    """

    n_nan: int = 0
    first: int = 0
    longest: int = 0
    n_finite: int = 0
    is_dense: bool = False
    n_rows: int = 0

    def lasts(self, rows: StepBlock) -> _BoolArray:
        """Tell in which of the rows to come it has lasted too long; shape ``(n_rows,)``."""
        nan = _doubtful(rows)
        if not nan.any():
            return np.zeros(len(rows), bool)
        finite = np.isfinite(rows.loss)
        dense = self.is_dense | np.logical_or.accumulate(_running(finite, self.n_finite) >= DENSE)
        n_nan = _running(nan, self.n_nan)
        # As long as the longest gap that a loss has followed, in these rows or before.
        before = np.concatenate([[self.n_nan], n_nan[:-1]])
        closed = np.where(finite, before, 0)
        longest = np.maximum.accumulate(np.maximum(closed, self.longest))
        n_before = self.n_rows + 1 + np.arange(len(rows)) - n_nan
        is_long = dense & (n_nan >= np.maximum(LONG, SHARE * n_before))
        is_lasting = np.where(rows.skipped, n_nan >= LASTING, is_long)
        return np.asarray(is_lasting & (n_nan > 2 * longest))

    def after(self, rows: StepBlock) -> Vanished:
        """Return the state after the rows."""
        if not len(rows):
            return self
        finite, n_rows = np.isfinite(rows.loss), self.n_rows + len(rows)
        if finite.all():
            n_finite = self.n_finite + len(rows)
            longest = max(self.longest, self.n_nan)
            is_dense = self.is_dense or n_finite >= DENSE
            return Vanished(0, 0, longest, n_finite, is_dense, n_rows)
        n_nan = _running(_doubtful(rows), self.n_nan)
        n_finite_running = _running(finite, self.n_finite)
        before = np.concatenate([[self.n_nan], n_nan[:-1]])
        last = int(n_nan[-1])
        first = self.first if last > len(rows) else int(rows.step[-last])
        return Vanished(
            n_nan=last,
            first=first if last else 0,
            longest=max(self.longest, int(np.where(finite, before, 0).max())),
            n_finite=int(n_finite_running[-1]),
            is_dense=self.is_dense or bool((n_finite_running >= DENSE).any()),
            n_rows=n_rows,
        )


def _doubtful(rows: StepBlock) -> _BoolArray:
    is_nan = np.isnan(rows.loss) & rows.loss_seen
    return np.asarray(is_nan & (np.isfinite(rows.grad_norm) | rows.skipped))


def _running(flags: _BoolArray, before: int) -> _IntArray:
    """Return how many flags running there are at each row, those before the first included."""
    at = np.arange(len(flags))
    last_off = np.maximum.accumulate(np.where(flags, -1 - before, at))
    return np.asarray(at - last_off, np.int64)
