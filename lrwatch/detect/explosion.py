"""Explosion: the gradient blew up on its own, and not because the steps were too large.

Source: exploding gradients as in Pascanu, Mikolov and Bengio, On the difficulty of training
recurrent neural networks, ICML 2013, 2.1; own, fitted on the labelled runs, is what the length of
the steps before tells of the cause.

>>> from lrwatch.tables import step_block
>>> def explains(step_length):
...     grad = np.where(np.arange(60) < 50, 1.0, 1000.0)  # jumps a thousandfold at step 50
...     run = {"step": range(60), "loss": np.ones(60), "lr": np.ones(60), "grad_norm": grad,
...            "param_norm": np.full(60, 10.0), "update_norm": np.full(60, step_length)}
...     test, opening = Explosion(), Opening()
...     test.add(step_block(run))
...     return test.explains(52, opening)
>>> explains(0.1), explains(2.0)  # steps of 1% of the parameters' length, and of 20%
(True, False)
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lrwatch.detect.opening import Opening
from lrwatch.records import FloatArray, StepBlock

__all__ = ["BEFORE", "GENTLE", "SETTLED", "STEEP", "Explosion", "Jump", "steepness"]

GREW: Final = 100.0
"""Times its beginning, from which on a gradient norm has blown up."""

SUDDEN: Final = 10.0
"""Times the gradient norm of the row before, at least."""

GENTLE: Final = 0.05
"""Length of each of the steps before, over that of the parameters: too short to be the cause."""

STEEP: Final = 300.0
"""Times gradient norm * parameter norm exceeds the loss at the start, where the initial weights
are at fault: a step of a third of a percent of their length would take the loss to 0."""

SETTLED: Final = 20
"""Rows after which a run did not have too large a rate from the start."""

RISE: Final = 2.0
"""Times its beginning, up to which a learning rate has not risen."""

BEFORE: Final = 5
"""Rows looked back on; also the rows at the start of which the least gradient norm counts."""

WITHIN: Final = 20
"""Steps from the jump until the loss must have left, for the jump to be the cause."""


@dataclass(frozen=True, slots=True)
class Jump:
    """A row at which the gradient norm jumped to over a hundred times that of the beginning.

    Attributes
    ----------
    step, row
        Its number, and how many rows came before it.
    growth
        Times the least of the first gradient norms.
    stride
        Longest of the steps just before, over the length of the parameters; NaN if unknown.
    lr_rise
        Learning rate over that of the first row; NaN if unknown.
    """

    step: int
    row: int
    growth: float
    stride: float
    lr_rise: float


class Explosion:
    """Finds the last time that the gradient norm jumped to a hundred times its beginning.

    Attributes
    ----------
    jump
        That moment; ``None`` if there was none.
    """

    def __init__(self) -> None:
        self.jump: Jump | None = None
        self._n_rows = 0
        self._first: list[float] = []
        self._lr = math.nan
        self._grad = math.nan  # of the row before
        self._strides: FloatArray = np.full(BEFORE, np.nan)

    def add(self, block: StepBlock) -> None:
        """Take the next rows."""
        if not len(block):
            return
        growth = block.grad_norm / self._least_of_first(block.grad_norm)
        self._lr = float(block.lr[0]) if math.isnan(self._lr) else self._lr
        is_high = (growth > GREW) & np.isfinite(growth) & ~np.isinf(block.loss)
        if is_high.any():
            self._look(block, growth, is_high)
        self._n_rows += len(block)
        self._grad = float(block.grad_norm[-1])
        self._strides = np.concatenate([self._strides, _strides(block, len(block))])[-BEFORE:]

    def _least_of_first(self, grad: FloatArray) -> FloatArray:
        """Return for each row the least gradient norm among the first rows up to it."""
        least = np.full(len(grad), min(self._first, default=np.nan))
        if len(self._first) < BEFORE:
            known = np.flatnonzero((grad > 0) & np.isfinite(grad))[: BEFORE - len(self._first)]
            for k in known.tolist():
                self._first.append(float(grad[k]))
                least[k:] = min(self._first)
        return least

    def _look(self, block: StepBlock, growth: FloatArray, is_high: npt.NDArray[np.bool_]) -> None:
        before = np.concatenate([[self._grad], block.grad_norm[:-1]])
        jumps = np.flatnonzero(is_high & (block.grad_norm >= SUDDEN * before))
        if not len(jumps):
            return
        k = int(jumps[-1])
        strides = np.concatenate([self._strides, _strides(block, k)])[-BEFORE:]
        self.jump = Jump(
            step=int(block.step[k]),
            row=self._n_rows + k,
            growth=float(growth[k]),
            stride=float(np.fmax.reduce(strides)),
            lr_rise=float(block.lr[k]) / self._lr if self._lr else math.nan,
        )

    def explains(self, step: int, opening: Opening) -> bool:
        """Whether a loss that left at a step did so because the gradient had blown up.

        Either it jumped after steps that were too short to be the cause, or it was so steep from
        the first step on that hardly any step would have been short enough. The learning rate
        must not have risen.
        """
        jump = self.jump
        if jump is None or not -BEFORE < step - jump.step <= WITHIN or jump.lr_rise > RISE:
            return False
        if jump.row < BEFORE and steepness(opening) > STEEP:
            return True
        return jump.stride < GENTLE if math.isfinite(jump.stride) else jump.row >= SETTLED


def steepness(opening: Opening) -> float:
    """Return gradient norm * parameter norm / loss at the first step; NaN if unknown."""
    if not opening.losses or not opening.grads:
        return math.nan
    return opening.grads[0] * opening.param / max(abs(opening.losses[0]), 1e-300)


def _strides(block: StepBlock, end: int) -> FloatArray:
    """Return the lengths of the steps just before a row, over that of the parameters."""
    rows = slice(max(0, end - BEFORE), end)
    strides: FloatArray = block.update_norm[rows] / np.maximum(block.param_norm[rows], 1e-300)
    return strides
