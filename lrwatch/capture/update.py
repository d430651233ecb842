"""The update norm and the parameter norm of a step."""

from __future__ import annotations

from operator import mul
from typing import Protocol

import torch
from torch import Tensor
from torch.optim import SGD, Optimizer

from lrwatch.capture.deferred import derived
from lrwatch.capture.groups import ParameterGroups
from lrwatch.capture.host_update import Piece, UpdateOnHost, pack
from lrwatch.capture.norms import subtract, total_norm
from lrwatch.capture.sharding import local
from lrwatch.capture.values import StepValues

__all__ = ["Update", "Updates", "plain_sgd_update"]


class Update(Protocol):
    """A step seen from its parameters: copied before, compared after; then the copy is gone."""

    def measure(self, values: StepValues) -> None:
        """Fill in update norm and parameter norm, after the step."""
        ...


class Updates:
    """Measures the updates of the sampled steps, in the way that suits their parameters."""

    def __init__(self, groups: ParameterGroups) -> None:
        self._groups = groups
        self._kinds = self._kinds_now()
        self._pieces: tuple[Piece, ...] | None = pack(groups)

    def begin(self) -> Update:
        """Copy the parameters of a step that is about to be made."""
        if self._pieces is not None and self._kinds != (kinds := self._kinds_now()):
            # A part of the model was given another type, as by `module.bfloat16()`.
            self._kinds, self._pieces = kinds, pack(self._groups)
        if self._pieces is None:
            return _UpdateByTensor(self._groups)
        return UpdateOnHost(self._groups, self._pieces)

    def _kinds_now(self) -> list[tuple[torch.dtype, int]]:
        return [(p.dtype, p.numel()) for p in self._groups.parameters]


class _UpdateByTensor:
    """The way for every kind of parameter on every device, with few kernels."""

    def __init__(self, groups: ParameterGroups) -> None:
        self._groups = groups
        self._changing = [p for p in groups.parameters if p.grad is not None]
        self._with_gradient = [] if groups.is_one else groups.with_gradient()
        self._copies: list[Tensor] = [local(p.detach()).clone() for p in self._changing]

    def measure(self, values: StepValues) -> None:
        """Fill in update norm and parameter norm, after the step."""
        groups = self._groups
        subtract([local(p.detach()) for p in self._changing], self._copies)
        changes = groups.norms(self._copies, like=self._changing)
        sizes = groups.norms([p.detach() for p in groups.parameters])
        values.update_norm, values.param_norm = total_norm(changes), total_norm(sizes)
        if not groups.is_one:
            values.group_update_norm = groups.totals(self._with_gradient, changes)
            values.group_param_norm = groups.totals(None, sizes)


def plain_sgd_update(values: StepValues, optimizer: Optimizer) -> None:
    """Fill in the update norm of SGD without momentum or decay: it is lr times the gradient's.

    That costs nothing, so every step has it. With several groups their gradients after
    clipping would be needed one by one; sampling is left to do it then.
    """
    group = optimizer.param_groups[0]
    is_plain = type(optimizer) is SGD and not group["momentum"] and not group["weight_decay"]
    if is_plain and len(optimizer.param_groups) == 1:
        values.update_norm = derived(mul, values.lr, values.grad_norm_clipped)
