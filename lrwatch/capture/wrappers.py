"""Find the torch optimizer within the wrappers that training frameworks put around it."""

from __future__ import annotations

from torch.optim import Optimizer

__all__ = ["unwrapped"]

_DEPTH = 8  # wrappers around wrappers at most, should one hold itself


def unwrapped(optimizer: object) -> object:
    """Return the optimizer whose hooks a step will run.

    Wrappers of Accelerate, Lightning and DeepSpeed hold it as their ``optimizer``. Some are
    of torch's class by name, but were never initialized as such and have no hooks.
    """
    for _ in range(_DEPTH):
        if _has_hooks(optimizer) or not hasattr(optimizer, "optimizer"):
            break
        optimizer = optimizer.optimizer
    return optimizer


def _has_hooks(optimizer: object) -> bool:
    return isinstance(optimizer, Optimizer) and "_optimizer_step_pre_hooks" in vars(optimizer)
