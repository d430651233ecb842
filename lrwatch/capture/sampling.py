"""Which steps measure the update norm, which takes a pass over the parameters, or a copy of them.

Every step at first, where most goes wrong; then one step in each window of `every` steps,
drawn at random: a fixed stride would see only every tenth step of an epoch of ten batches.
The draws are lrwatch's own, so that no training script's random numbers shift.
"""

from __future__ import annotations

import random

__all__ = ["Sampling"]

_DENSE_STEPS = 20


class Sampling:
    """Tells step by step whether to measure.

    Parameters
    ----------
    every
        Steps to a window; 1 measures each step.
    seed
        Start of the draws.
    """

    def __init__(self, every: int, seed: str) -> None:
        self.plan = every, seed
        self._every = every
        self._random = random.Random(seed)  # noqa: S311  no secret hangs on it
        self._next = 0  # the next step that is measured
        self._window_end = 0

    def is_due(self, step: int) -> bool:
        """Tell whether to measure at `step`; steps must not go down."""
        if step < _DENSE_STEPS or self._every == 1:
            return True
        if step >= self._window_end:
            self._window_end = step + self._every
            self._next = step + self._random.randrange(self._every)
        return step == self._next
