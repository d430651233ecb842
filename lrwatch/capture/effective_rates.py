"""The learning rate that an optimizer really used, where it is not the nominal one.

Some optimizers keep their parameter groups' ``lr`` as it was given, and step at a rate of their
own. Each entry of `FINDERS` knows one way to tell; to teach it another, append a function.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

from torch import Tensor
from torch.optim import Optimizer

from lrwatch.capture.deferred import Number, derived

__all__ = ["EFFECTIVE_RATE", "FINDERS", "effective_rate", "may_have_own_rate"]

EFFECTIVE_RATE = "lr_effective"
"""Name of the column."""

Finder: TypeAlias = Callable[[Optimizer, dict[str, Any]], "Number | None"]
"""Tells the rate of a parameter group after a step, ``None`` if this is no optimizer for it."""


def _scheduled(_optimizer: Optimizer, group: dict[str, Any]) -> Number | None:
    """Schedule-free optimizers warm up by themselves."""
    return _number(group["scheduled_lr"]) if "scheduled_lr" in group else None


def _adapted(_optimizer: Optimizer, group: dict[str, Any]) -> Number | None:
    """D-Adaptation and Prodigy: the distance that they estimate, times the rate."""
    distance, rate = _number(group.get("d")), _number(group.get("lr"))
    if distance is None or rate is None or "d0" not in group:
        return None
    return derived(lambda d, lr: d * lr, distance, rate)


def _relative(optimizer: Optimizer, group: dict[str, Any]) -> Number | None:
    """Adafactor of transformers and fairseq, without a rate of its own."""
    if not group.get("relative_step"):
        return None
    state = next((s for p in group["params"] if (s := optimizer.state.get(p))), None)
    if not state or "step" not in state:
        return None
    step = float(state["step"])
    rate = min(1e-6 * step if group.get("warmup_init") else 1e-2, 1 / math.sqrt(max(step, 1.0)))
    size = _number(state.get("RMS")) if group.get("scale_parameter") else 1.0
    least = group["eps"][1] if isinstance(group.get("eps"), (tuple, list)) else 0.0
    return None if size is None else derived(lambda size: max(least, size) * rate, size)


FINDERS: list[Finder] = [_scheduled, _adapted, _relative]


def may_have_own_rate(optimizer: Optimizer) -> bool:
    """Tell whether it is worth asking: torch's own optimizers step at the nominal rate."""
    return not type(optimizer).__module__.startswith("torch.optim.")


def effective_rate(optimizer: Optimizer) -> Number | None:
    """Return the rate at which the first parameter group was stepped; ``None``: the nominal one."""
    group = optimizer.param_groups[0]
    return next((rate for find in FINDERS if (rate := find(optimizer, group)) is not None), None)


def _number(value: object) -> Number | None:
    if isinstance(value, Tensor):
        return value.item() if value.device.type == "cpu" else value.detach()
    return float(value) if isinstance(value, (int, float)) else None
