"""Say once that no loss is found, and how to record it."""

from __future__ import annotations

import logging

__all__ = ["MissingLoss"]

logger = logging.getLogger("lrwatch")

_STEPS = 10
"""Steps without a loss after which it is said: a script may log one a little later."""


class MissingLoss:
    """Counts steps without a loss, until there is one.

    Parameters
    ----------
    is_expected
        Whether losses are to be found; otherwise nothing is said.
    """

    def __init__(self, *, is_expected: bool) -> None:
        self._is_settled = not is_expected
        self._n_without = 0

    def found(self) -> None:
        """Take note of a loss."""
        self._is_settled = True

    def step(self) -> None:
        """Take note of a step without one."""
        self._n_without += 1
        if self._n_without >= _STEPS:
            self.end()

    def end(self) -> None:
        """Say so, unless there was a loss or it was said before."""
        if not self._is_settled and self._n_without:
            self._is_settled = True
            logger.warning(
                "no loss was found in %d steps: gradients did not come from backward() of one "
                "number, but from torch.autograd.grad, say, or backward() of several; record it "
                "with run.log(loss=...), or watch with loss=None",
                self._n_without,
            )
