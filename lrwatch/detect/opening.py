"""The levels at which a run began, from its first rows: what later values are compared with.

Own: the first value, or the median of five where the first was a wild one.

>>> from lrwatch.tables import step_block
>>> opening = Opening()
>>> opening.add(step_block({"step": range(5), "loss": [90, 3, 3, 2, 2], "lr": [0.1] * 5}))
>>> opening.loss, opening.quoted
(3.0, 3.0)
>>> steep = Opening(losses=[1.6, 1.3, 1.0, 0.8, 0.6])
>>> steep.loss, steep.quoted
(1.0, 1.6)
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from lrwatch.records import StepBlock

__all__ = ["Opening"]

ROWS: Final = 5
"""Rows that a level is the median of: one wild first batch does not set it."""

WILD: Final = 0.5
"""Share of the level by which a first loss exceeds it that is wild."""

APART: Final = 3.0
"""Times as far above the other losses as they lie apart: a wild one is, one that falls is not."""


@dataclass(slots=True)
class Opening:
    """Collects a run's first losses, gradient norms, norms of update and parameters.

    Attributes
    ----------
    losses, grads
        The first `ROWS` of them that are finite.
    step
        Number of the first step; ``None`` before any row came.
    param
        Parameter norm before the first measured update, or nearly so; NaN until known.
    update_per_lr
        First measured update norm over its learning rate: how far one unit of learning rate
        moves the parameters before the optimizer has any history; NaN until known.
    """

    losses: list[float] = field(default_factory=list)
    grads: list[float] = field(default_factory=list)
    step: int | None = None
    param: float = math.nan
    update_per_lr: float = math.nan

    def add(self, block: StepBlock) -> None:
        """Take the next rows; costs nothing once all levels are known."""
        if self.step is None and len(block):
            self.step = int(block.step[0])
        if len(self.losses) < ROWS:
            self.losses += _first(block.loss, ROWS - len(self.losses))
        if len(self.grads) < ROWS:
            self.grads += _first(
                np.where(block.grad_norm > 0, block.grad_norm, np.nan), ROWS - len(self.grads)
            )
        if math.isnan(self.param):
            self._set_param(block)
        if math.isnan(self.update_per_lr):
            self._set_update_per_lr(block)

    def _set_param(self, block: StepBlock) -> None:
        measured = np.flatnonzero(np.isfinite(block.param_norm) & (block.param_norm > 0))
        if not len(measured):
            return
        after = float(block.param_norm[measured[0]])
        update = float(block.update_norm[measured[0]])
        # The norm is taken after the step. A first update that is nearly as long as the
        # parameters stands at about a right angle to them; of a longer one nothing is known.
        if math.isfinite(update) and update < 0.9 * after:
            self.param = math.sqrt(after * after - update * update)
        else:
            self.param = 0.5 * after if math.isfinite(update) else after

    def _set_update_per_lr(self, block: StepBlock) -> None:
        measured = np.flatnonzero(
            (block.update_norm > 0) & np.isfinite(block.update_norm) & (block.lr > 0)
        )
        if len(measured):
            self.update_per_lr = float(block.update_norm[measured[0]] / block.lr[measured[0]])

    @property
    def loss(self) -> float:
        """Loss at the beginning; NaN if none was seen."""
        return _beginning(self.losses)

    @property
    def quoted(self) -> float:
        """The loss to quote as the first: that of the first row, unless it was a wild one.

        A steep loss is lower in the median of five rows than where people see it begin.
        """
        level = self.loss
        if len(self.losses) < 2 or self.losses[0] - level <= WILD * abs(level):  # noqa: PLR2004
            return self.losses[0] if self.losses else level
        first, others = self.losses[0], self.losses[1:]
        return level if first - max(others) > APART * (max(others) - min(others)) else first

    @property
    def grad(self) -> float:
        """Gradient norm at the beginning; NaN if none was seen."""
        return _beginning(self.grads)


def _beginning(values: list[float]) -> float:
    """Return the first value, unless it was a wild one, which the median of all shows.

    Only the first loss is that of the initial parameters: where the learning rate is far too
    high, the others are already those of the parameters that it wrecked.
    """
    if not values:
        return math.nan
    ordered, n = sorted(values), len(values)
    return min(values[0], (ordered[(n - 1) // 2] + ordered[n // 2]) / 2)


def _first(values: npt.NDArray[np.float64], n: int) -> list[float]:
    finite = np.flatnonzero(np.isfinite(values))[:n]
    return [float(value) for value in values[finite]]
