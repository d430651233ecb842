"""Nothing can be learnt: the gradient or the rate is exactly 0, or the gradient is not finite.

Each is told by single rows, and counts once it has lasted up to the end. A trainer may go on
printing a loss, of exactly 0 say, beside a gradient that is NaN.

Own; the counts are conventions.

>>> from lrwatch.tables import step_block
>>> late, test = np.arange(40) >= 10, Standstill()
>>> test.add(step_block({"step": range(40), "loss": np.where(late, 0.0, 0.4), "lr": np.ones(40),
...                      "grad_norm": np.where(late, np.nan, 1.0)}))
>>> test.gradient_not_finite().fired, test.gradient_not_finite().note
(True, 'the gradient norm is not finite from step 10 on')
>>> test.zero_loss(0.4).fired, test.zero_loss(0.4).note
(True, 'the loss is exactly 0 from step 10 on, right after 0.4')
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from lrwatch.detect.past import Past
from lrwatch.formats import number
from lrwatch.records import StepBlock, is_null
from lrwatch.verdicts import Evidence

__all__ = ["Standstill"]

LASTING: Final = 8
"""Rows running from which on a number is what it is for good."""

BESIDE: Final = 3
"""The same where the loss is exactly 0 as well."""

SHARE: Final = 0.1
"""Share of the rows that they must make up: a schedule may well end at a rate of 0."""

ABRUPT: Final = 0.05
"""Share of the loss at the start from which no step leads to exactly 0."""

SURE: Final = 5.0
"""Standard errors by which a loss came down: then 0 was not the rate, but how it was printed."""

_BoolArray = npt.NDArray[np.bool_]


@dataclass(slots=True)
class _Lasting:
    """Since when something is so, and in how many rows running; of those that tell."""

    since: int | None = None
    is_known: bool = False
    n_rows: int = 0
    longest: int = 0  # of what ended again
    before: float = math.nan  # the loss of the last row in which it was not so

    def add(self, rows: StepBlock, is_so: _BoolArray, tells: _BoolArray) -> None:
        at = np.flatnonzero(tells)
        if not len(at):
            return
        self.is_known = True
        so = is_so[at]
        if not self.n_rows and not so.any():  # nearly always
            self.before = float(rows.loss[at[-1]])
            return
        ends = np.flatnonzero(~so)
        if len(ends):
            runs = np.diff(np.append(-1 - self.n_rows, ends)) - 1
            self.longest = max(self.longest, int(runs.max()))
            self.before = float(rows.loss[at[ends[-1]]])
            self.since, self.n_rows = None, 0
            at = at[ends[-1] + 1 :]
        if len(at):
            self.since = int(rows.step[at[0]]) if self.since is None else self.since
            self.n_rows += len(at)


class Standstill:
    """Follows the gradient norm, the rate and the loss as single rows tell of them."""

    def __init__(self) -> None:
        self._not_finite, self._no_gradient = _Lasting(), _Lasting()
        self._no_rate, self._no_loss = _Lasting(), _Lasting()
        self._has_gradient = False
        self._n_rows = 0
        self._first_step: int | None = None
        self._last_step = 0

    def add(self, rows: StepBlock) -> None:
        """Take the next rows."""
        if not len(rows):
            return
        grad, lr = rows.grad_norm, rows.lr
        self._n_rows += len(rows)
        self._first_step = int(rows.step[0]) if self._first_step is None else self._first_step
        self._last_step = int(rows.step[-1])
        self._has_gradient = self._has_gradient or bool((grad > 0).any())
        self._not_finite.add(rows, ~np.isfinite(grad), ~is_null(grad) & ~rows.skipped)
        self._no_gradient.add(rows, grad == 0, np.isfinite(grad))
        moves = rows.update_norm > 0
        for name, rate in rows.extra.items():
            moves |= name.startswith("lr/") & (rate > 0)
        self._no_rate.add(rows, (lr == 0) & ~moves, ~np.isnan(lr))
        self._no_loss.add(rows, rows.loss == 0, ~np.isnan(rows.loss))

    def gradient_not_finite(self) -> Evidence:
        """Test whether the gradient norm is not finite up to the end.

        One that never was finite may not have been recorded: then the loss must be 0 as well.
        """
        found, beside = self._not_finite, self._no_loss.n_rows >= BESIDE
        lasts = found.n_rows >= (BESIDE if beside else LASTING) and (self._has_gradient or beside)
        fired = lasts and found.n_rows > 2 * found.longest
        what = "the gradient norm"
        return self._evidence("gradient_not_finite", found, what, "not finite", fired=fired)

    def zero_gradient(self, past: Past) -> Evidence:
        """Test whether the gradient is exactly 0 up to the end, and the loss no longer falls."""
        fired = self._lasts(self._no_gradient, past) and not self._is_solved(past.start)
        return self._evidence("zero_gradient", self._no_gradient, "the gradient norm", fired=fired)

    def zero_rate(self, past: Past) -> Evidence:
        """Test whether the rate is exactly 0 up to the end, and the loss no longer falls."""
        fired = self._lasts(self._no_rate, past)
        return self._evidence("zero_rate", self._no_rate, "the learning rate", fired=fired)

    def zero_loss(self, start: float) -> Evidence:
        """Test whether the loss is exactly 0 up to the end, and no steps led there.

        Parameters
        ----------
        start
            Loss at the beginning.
        """
        found = self._no_loss
        fired = found.n_rows >= LASTING and not self._is_solved(start)
        evidence = self._evidence("zero_loss", found, "the loss", fired=fired)
        if found.since is None or math.isnan(found.before):
            return evidence
        return replace(evidence, note=f"{evidence.note}, right after {number(found.before, 3)}")

    def _is_solved(self, start: float) -> bool:
        """Whether the loss is 0, and came there step by step."""
        return self._no_loss.n_rows > 0 and self._no_loss.before < ABRUPT * abs(start)

    def _lasts(self, found: _Lasting, past: Past) -> bool:
        if found.since is None or found.n_rows < max(LASTING, SHARE * self._n_rows):
            return False
        return not _came_down(past, found.since)

    def _evidence(
        self, name: str, found: _Lasting, what: str, how: str = "exactly 0", *, fired: bool
    ) -> Evidence:
        if not found.is_known:
            return Evidence(name, note=f"needs {what}")
        if found.since is None:
            other = "is finite" if how == "not finite" else f"is not {how}"
            return Evidence(name, 0.0, float(LASTING), note=f"{what} {other} at the end")
        at = f"from step {found.since:,} on"
        note = f"{what} is {how} {'at every step' if found.since == self._first_step else at}"
        interval = (found.since, self._last_step)
        return Evidence(name, float(found.n_rows), float(LASTING), fired, interval, note)


def _came_down(past: Past, since: int) -> bool:
    """Whether the loss fell after a step, by more than its noise."""
    loss = past.loss[past.last_step > since]
    third = max(len(loss) // 3, 1)
    rows = past.n_loss / max(len(past), 1) * third
    error = past.grain * math.sqrt(2 / max(rows, 1.0))
    return bool(loss[:third].mean() - loss[-third:].mean() > SURE * error) if len(loss) else False
