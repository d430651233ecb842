"""Rows to groups of four: the smallest unit that every statistic is built from.

A group's numbers depend on its own rows and the two before it alone, and are computed
element by element, so that they are the same to the last bit however the rows arrive.

Own: a middle value ignores one wild loss, which a mean over the same rows follows.

>>> from lrwatch.tables import step_block
>>> rows = step_block({"step": range(8), "loss": [3, 2, 90, 2, 2, 1, 1, 1], "lr": [0.1] * 8})
>>> groups = summarise(rows, steps=np.ones(8), before=np.full(2, np.nan))
>>> groups.field("loss") / groups.field("loss_n")
array([2.5, 1. ])
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from lrwatch.records import FloatArray, StepBlock

__all__ = ["GROUP", "MAXIMA", "MINIMA", "PLACES", "SUMS", "Groups", "summarise"]

GROUP: Final = 4
"""Rows in a group: the fewest of which a middle value says something."""

SUMS: Final = (
    "rows",  # rows
    "span",  # optimizer steps that the rows stand for: more than one each where rows are missing
    "loss_n",  # rows with a finite loss
    "loss",  # sum of the loss, with the middle value of a group taken for each of its rows
    "diff_n",  # rows with a finite loss that also have two finite losses before them
    "diff1",  # sum of |loss[t] - loss[t-1]|
    "diff2",  # sum of |loss[t] - loss[t-2]|
    "lr_n",  # optimizer steps of the rows whose learning rate is known
    "lr",  # sum of learning rate * steps
    "grad_n",  # rows with a positive, finite gradient norm
    "grad",  # sum of gradient norms
    "log_grad",  # sum of their logarithms
    "update_n",  # rows whose update norm was measured
    "update",  # sum of update norms
    "update_sq",  # sum of their squares
    "drive_n",  # rows with update norm and gradient norm
    "drive",  # sum of gradient norm * update norm: the decrease that first order would allow
    "clipped",  # rows whose gradient was clipped
    "skipped",  # rows whose update was skipped
    "param_n",  # rows whose parameter norm was measured
    "param",  # sum of parameter norms
)
MINIMA: Final = ("first_step", "loss_min", "lr_min")
MAXIMA: Final = ("last_step", "loss_max", "lr_max", "grad_max", "update_max")

PLACES: Final = {
    name: (table, column)
    for table, names in enumerate((SUMS, MINIMA, MAXIMA))
    for column, name in enumerate(names)
}
"""Of each field: the table it is in, by its place among the three, and its column there."""

LOST_MOTION: Final = 0.99  # a clipped gradient is at least a hundredth shorter


@dataclass(frozen=True, slots=True)
class Groups:
    """Consecutive groups of rows; every array has shape ``(n_groups, n_fields)``.

    Attributes
    ----------
    sums, minima, maxima
        One column for each name in `SUMS`, `MINIMA` and `MAXIMA`. A minimum or maximum of
        nothing is NaN.
    """

    sums: FloatArray
    minima: FloatArray
    maxima: FloatArray

    def __len__(self) -> int:
        """Return the number of groups."""
        return len(self.sums)

    def __getitem__(self, groups: slice) -> Groups:
        """Return the chosen groups, as views."""
        return Groups(self.sums[groups], self.minima[groups], self.maxima[groups])

    def field(self, name: str) -> FloatArray:
        """Return a field of all groups, by its name in `SUMS`, `MINIMA` or `MAXIMA`."""
        table, column = PLACES[name]
        return (self.sums, self.minima, self.maxima)[table][:, column]

    @classmethod
    def none(cls) -> Groups:
        """No groups."""
        return cls(*(np.zeros((0, len(names))) for names in (SUMS, MINIMA, MAXIMA)))


def summarise(block: StepBlock, steps: FloatArray, before: FloatArray) -> Groups:
    """Summarise a whole number of groups, or one group that is not full.

    Parameters
    ----------
    block
        Rows, a multiple of `GROUP` of them, or fewer than `GROUP`.
    steps
        Optimizer steps that each row stands for, shape ``(n_rows,)``.
    before
        The two losses before the first row, the later one last, shape ``(2,)``.
    """
    width = min(GROUP, len(block))

    def group(column: npt.NDArray[np.generic]) -> FloatArray:
        return np.ascontiguousarray(column, np.float64).reshape(-1, width)

    loss, lr, grad = group(block.loss), group(block.lr), group(block.grad_norm)
    update, param = group(block.update_norm), group(block.param_norm)
    span, step, skipped = group(steps), group(block.step), group(block.skipped)
    clipped = block.grad_norm_clipped < LOST_MOTION * block.grad_norm
    loss = np.where(np.isfinite(loss), loss, np.nan)
    has_grad = np.isfinite(grad) & (grad > 0)
    grad = np.where(has_grad, grad, np.nan)
    has_update = np.isfinite(update) & (skipped == 0)
    has_drive = has_update & has_grad
    has_param = np.isfinite(param)
    has_lr = np.isfinite(lr)
    lr = np.where(has_lr, lr, np.nan)
    terms = _of_the_loss(loss, before) | {
        "rows": np.ones_like(loss),
        "span": span,
        "lr_n": np.where(has_lr, span, 0.0),
        "lr": np.where(has_lr, lr * span, 0.0),
        "grad_n": has_grad,
        "grad": np.where(has_grad, grad, 0.0),
        "log_grad": np.where(has_grad, np.log(grad), 0.0),
        "update_n": has_update,
        "update": np.where(has_update, update, 0.0),
        "update_sq": np.where(has_update, update * update, 0.0),
        "drive_n": has_drive,
        "drive": np.where(has_drive, grad * update, 0.0),
        "clipped": group(clipped),
        "skipped": skipped,
        "param_n": has_param,
        "param": np.where(has_param, param, 0.0),
    }
    sums = _sum([terms[name] for name in SUMS])
    update = np.where(has_update, update, np.nan)
    groups = Groups(
        sums=sums,
        minima=_reduced(np.fmin, (step, loss, lr)),
        maxima=_reduced(np.fmax, (step, loss, lr, grad, update)),
    )
    groups.field("loss")[:] = _middle(loss) * groups.field("loss_n")
    return groups


def _of_the_loss(loss: FloatArray, before: FloatArray) -> dict[str, FloatArray]:
    known = np.isfinite(loss)
    diff1, diff2 = (lagged.reshape(loss.shape) for lagged in _differences(loss.ravel(), before))
    has_diff = np.isfinite(diff1) & np.isfinite(diff2)
    return {
        "loss_n": known.astype(np.float64),
        "loss": np.zeros_like(loss),  # set by `summarise`: it is no sum over rows
        "diff_n": has_diff.astype(np.float64),
        "diff1": np.where(has_diff, diff1, 0.0),
        "diff2": np.where(has_diff, diff2, 0.0),
    }


def _sum(terms: Sequence[npt.NDArray[np.float64] | npt.NDArray[np.bool_]]) -> FloatArray:
    """Add up the rows of each group, one after the other.

    numpy's own order of adding depends on the shape.
    """
    table = np.empty((terms[0].shape[1], len(terms[0]), len(terms)))
    for k, term in enumerate(terms):
        table[:, :, k] = term.T
    total: FloatArray = table[0]
    for rows in table[1:]:
        total += rows
    return total


def _reduced(by: np.ufunc, fields: Sequence[FloatArray]) -> FloatArray:
    """Reduce the rows of each group by a minimum or a maximum."""
    reduced: FloatArray = by.reduce(np.stack(fields, axis=2), axis=1)
    return reduced


def _middle(values: FloatArray) -> FloatArray:
    """Mean of the two middle values of each row of four; of fewer, their plain mean."""
    known = np.isfinite(values)
    n, total = _sum([known, np.where(known, values, 0.0)]).T
    mean: FloatArray = total / np.maximum(n, 1.0)
    if values.shape[1] != GROUP:
        return mean
    ordered = np.sort(values, axis=1)
    return np.where(n == GROUP, 0.5 * ordered[:, 1] + 0.5 * ordered[:, 2], mean)


def _differences(loss: FloatArray, before: FloatArray) -> tuple[FloatArray, FloatArray]:
    joined = np.concatenate([before, loss])
    return np.abs(loss - joined[1:-1]), np.abs(loss - joined[:-2])
