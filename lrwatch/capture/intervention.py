"""Act on a training between two steps of its optimizer.

What was asked for is done when the training thread calls `Optimizer.step` next, before a
parameter changes. An optimizer that nobody may intervene in has no hook of this kind.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable

from torch import Tensor
from torch.optim import Optimizer

from lrwatch.capture import scaling
from lrwatch.capture.between_steps import BetweenSteps
from lrwatch.capture.hooks import StepHooks

__all__ = ["Intervention"]


class Intervention(BetweenSteps):
    """Where actions wait for the next step of an optimizer.

    Made before the optimizer's `Recorder`, so that its hook comes first: a step is recorded
    with what an action changed, and one that an action prevents is not recorded.

    Parameters
    ----------
    optimizer
        Any torch optimizer; it is not kept alive by this object.
    """

    def __init__(self, optimizer: Optimizer, *, on_stop: Callable[[], None]) -> None:
        super().__init__(on_stop=on_stop)
        self._optimizer = weakref.ref(optimizer)
        self._n_steps = 0
        self._hooks = StepHooks(optimizer, self._before_step)

    def follow_skipped_steps(self) -> None:
        """Act also after a step that `GradScaler` skips: a run that overflows makes no other.

        To be called when the recorder has joined, so that it takes note of the step first.
        """
        scaling.listeners.add(self)

    def detach(self) -> None:
        """Act no more, and take the hook off."""
        super().detach()
        scaling.listeners.discard(self)
        self._hooks.take_off()

    def n_steps_of(self, optimizer: Optimizer) -> int | None:
        """Return the number of steps so far, ``None`` for an optimizer that is not ours."""
        return self._n_steps if optimizer is self._optimizer() else None

    def on_skipped(self) -> None:
        """Act after a step that was not made."""
        self.act_now()

    def act_now(self) -> None:
        """Do what waits; of what no hook sees, as a replay of a CUDA graph, `Run.record` tells."""
        optimizer = self._optimizer()
        if self._waiting and optimizer is not None:
            self._act(optimizer)

    def on_unscaled(self, scale: Tensor) -> None:
        """Do nothing: no action depends on it."""

    def _before_step(self, optimizer: Optimizer, *_: object) -> None:
        self._n_steps += 1
        if self._waiting:
            self._act(optimizer)
