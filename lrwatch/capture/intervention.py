"""Act on a training between two steps of its optimizer.

What was asked for is done when the training thread calls `Optimizer.step` next, before a
parameter changes. An optimizer that nobody may intervene in has no hook of this kind.

Learning rates that are scaled stay scaled. Many schedulers compute each rate anew from the one
they began with, so a change of ``param_groups[i]["lr"]`` alone lasts until their next step. What
they compute from is scaled with it: the whole schedule that is left comes out lower.
"""

from __future__ import annotations

import gc
import weakref
from collections.abc import Callable, Iterator
from typing import Any, Final

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from lrwatch.capture import scaling
from lrwatch.capture.between_steps import BetweenSteps
from lrwatch.capture.hooks import StepHooks
from lrwatch.capture.wrappers import unwrapped

__all__ = ["Intervention", "scale_learning_rates", "schedulers_of"]

_GROUP_KEYS: Final = ("lr", "initial_lr", "max_lr", "min_lr", "swa_lr")
"""Rates in a parameter group: the present one, and those that `OneCycleLR` and others keep."""

_SCHEDULER_FIELDS: Final = ("base_lrs", "max_lrs", "min_lrs", "eta_min", "_last_lr")
"""Rates that torch's schedulers compute from, one or one a group."""


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


def scale_learning_rates(optimizer: Optimizer, factor: float) -> None:
    """Multiply every learning rate of an optimizer, and of its schedulers, by `factor`.

    Rates that are tensors keep their identity, as a captured graph may read them.
    """
    scaled: set[int] = set()  # tensors and lists that two of them share
    for group in optimizer.param_groups:
        for key in _GROUP_KEYS:
            if key in group:
                group[key] = _scaled(group[key], factor, scaled)
    for scheduler in schedulers_of(optimizer):
        for field in _SCHEDULER_FIELDS:
            value = vars(scheduler).get(field)
            if value is not None:
                setattr(scheduler, field, _scaled(value, factor, scaled))


def schedulers_of(optimizer: Optimizer) -> Iterator[LRScheduler]:
    """Find the schedulers of an optimizer among all objects, as none of them knows the other.

    Takes tens of milliseconds in a large process.
    """
    for thing in gc.get_objects():
        # By its type: `isinstance` would ask proxies, some of which load a module then.
        is_scheduler = issubclass(type(thing), LRScheduler)
        if is_scheduler and unwrapped(vars(thing).get("optimizer")) is optimizer:
            yield thing


def _scaled(rate: Any, factor: float, scaled: set[int]) -> Any:
    if isinstance(rate, (int, float)):
        return rate * factor
    if isinstance(rate, (Tensor, list)) and id(rate) not in scaled:
        scaled.add(id(rate))
        if isinstance(rate, Tensor):
            rate.mul_(factor)
        else:
            rate[:] = [_scaled(one, factor, scaled) for one in rate]
    return rate
