"""Scale the learning rates of an optimizer so that they stay scaled.

Many schedulers compute each rate anew from the one they began with, so a change of
``param_groups[i]["lr"]`` alone lasts until their next step. What they compute from is scaled
with it: the whole schedule that is left comes out lower by the factor.
"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from typing import Any, Final

from torch import Tensor
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from lrwatch.capture.wrappers import unwrapped

__all__ = ["scale_learning_rates", "schedulers_of"]

_GROUP_KEYS: Final = ("lr", "initial_lr", "max_lr", "min_lr", "swa_lr")
"""Rates in a parameter group: the present one, and those that `OneCycleLR` and others keep."""

_SCHEDULER_FIELDS: Final = ("base_lrs", "max_lrs", "min_lrs", "eta_min", "_last_lr")
"""Rates that torch's schedulers compute from, one or one a group."""


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
