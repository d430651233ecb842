"""The update norm of SGD with momentum, which is in its state: the rate times the buffer."""

from __future__ import annotations

import itertools
from collections.abc import Iterable

import torch
from torch.optim import SGD, Optimizer

from lrwatch.capture.deferred import Number, derived
from lrwatch.capture.groups import ParameterGroups
from lrwatch.capture.layers import PARAMETERS, UPDATE
from lrwatch.capture.norms import total_norm
from lrwatch.capture.values import Numbers, StepValues

__all__ = ["UpdateFromBuffers"]

_PRECISE = frozenset({torch.float32, torch.float64})
"""Types in which rounding swallows no update."""


class UpdateFromBuffers:
    """A step seen from what it left in its optimizer's state: no copy, and exact."""

    def __init__(self, groups: ParameterGroups, optimizer: Optimizer) -> None:
        self._groups = groups
        self._optimizer = optimizer

    @staticmethod
    def suits(groups: ParameterGroups, optimizer: Optimizer) -> bool:
        """Tell whether the update of each parameter is its buffer times the rate of its group."""
        return (
            type(optimizer) is SGD
            and all(g["momentum"] and not g["nesterov"] for g in optimizer.param_groups)
            and all(p.dtype in _PRECISE for p in groups.parameters)
            and not groups.is_sharded
        )

    def measure(self, values: StepValues) -> None:
        """Fill in update norm and parameter norm, after the step."""
        groups = self._groups
        sizes = groups.norms([p.detach() for p in groups.parameters])
        values.param_norm = total_norm(sizes)
        if not groups.is_one:
            values.group_param_norm = groups.totals(None, sizes)
        if groups.layers is not None:
            groups.layers.fill(values, PARAMETERS, None, sizes)
        with_gradient = groups.with_gradient()
        changing = itertools.compress(groups.parameters, with_gradient)
        buffers = [self._optimizer.state.get(p, {}).get("momentum_buffer") for p in changing]
        if any(buffer is None for buffer in buffers):
            return  # of a step that did nothing, as after an overflow
        by_tensor = groups.norms(buffers)
        norms = groups.totals(with_gradient, by_tensor)
        rates = values.group_lr or [values.lr]
        moved = _moves(norms, rates, values.skipped)
        values.update_norm = total_norm(moved)
        if not groups.is_one:
            values.group_update_norm = moved
        if groups.layers is not None:
            every = [rate for rate, n in zip(rates, groups.counts, strict=True) for _ in range(n)]
            own_rates = itertools.compress(every, with_gradient)
            moved = _moves(by_tensor, own_rates, values.skipped)
            groups.layers.fill(values, UPDATE, with_gradient, moved)


def _moves(norms: Numbers, rates: Iterable[Number], skipped: Number) -> list[Number]:
    return [derived(_moved, norm, rate, skipped) for norm, rate in zip(norms, rates, strict=True)]


def _moved(norm: float, rate: float, skipped: float) -> float:
    return 0.0 if skipped else abs(rate) * norm
