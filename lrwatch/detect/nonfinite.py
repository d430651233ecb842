"""Losses that are not finite: the only test that looks at every single row."""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from lrwatch.records import StepBlock

__all__ = ["NonFinite"]

PATIENCE: Final = 3
"""Rows without a number, in a log without gradient norms, before that is a loss of NaN."""

RECOVERED: Final = 20
"""Rows with a finite loss after which a run has got over a loss that was not."""


class NonFinite:
    """Tells a loss that blew up from a loss that was merely not logged.

    An infinite loss blew up, and so did NaN together with a gradient norm that is not finite.
    NaN beside a finite gradient norm was not recorded. In a log without gradient norms NaN
    counts after `PATIENCE` rows, if until then every row had a number. Where the optimizer
    skipped the step (overflow under mixed precision), nothing happened to the parameters.

    Attributes
    ----------
    step
        Step at which the loss was first not finite; ``None`` if it was finite all the time,
        or has been so again for `RECOVERED` rows.
    """

    def __init__(self) -> None:
        self.step: int | None = None
        self._has_loss = False
        self._has_grad = False
        self._is_sparse = False
        self._n_nan = 0  # in a row
        self._n_finite = 0  # in a row
        self._first_nan = 0

    def advance(self, block: StepBlock) -> int | None:
        """Look at the next rows, up to the first that shows a loss that blew up.

        Returns
        -------
        n_rows
            How many rows were looked at if the last of them fired, else ``None``.
        """
        at, suspects = 0, _suspects(block)
        if not suspects:
            self._pass(block)
            return None
        for k in suspects:
            self._pass(block[at:k])
            at = k + 1
            if self._blew_up(float(block.loss[k]), float(block.grad_norm[k]), int(block.step[k])):
                return at
        self._pass(block[at:])
        return None

    def _pass(self, block: StepBlock) -> None:
        """Take rows that are above suspicion."""
        n_finite = int(np.count_nonzero(np.isfinite(block.loss)))
        if n_finite:
            self._is_sparse |= self._n_nan > 0
            self._has_loss = True
            self._n_nan = 0
            self._n_finite += n_finite
        self._has_grad = self._has_grad or bool(np.isfinite(block.grad_norm).any())
        if self._n_finite >= RECOVERED:
            self.step = None

    def _blew_up(self, loss: float, grad: float, step: int) -> bool:
        """Take a suspect row; say whether it is the first that shows a loss that blew up."""
        if math.isnan(loss) and not math.isinf(grad) and not self._has_grad:
            if not self._is_lasting(step):
                return False
            step = self._first_nan
        self._n_finite = 0
        newly = self.step is None
        self.step = step if newly else self.step
        return newly

    def _is_lasting(self, step: int) -> bool:
        self._first_nan = self._first_nan if self._n_nan else step
        self._n_nan += 1
        return self._n_nan >= PATIENCE and self._has_loss and not self._is_sparse


def _suspects(block: StepBlock) -> list[int]:
    unrecorded = np.isnan(block.loss) & np.isfinite(block.grad_norm)
    suspect = ~np.isfinite(block.loss) & block.loss_seen & ~block.skipped & ~unrecorded
    return [int(k) for k in np.flatnonzero(suspect)]
