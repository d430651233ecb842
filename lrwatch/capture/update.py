"""The update norm and the parameter norm of a step."""

from __future__ import annotations

import logging
from itertools import compress
from operator import mul
from typing import Protocol

import torch
from torch import Tensor
from torch.optim import SGD, Adam, Adamax, AdamW, NAdam, Optimizer

from lrwatch.capture.buffered_update import UpdateFromBuffers
from lrwatch.capture.deferred import derived
from lrwatch.capture.groups import ParameterGroups
from lrwatch.capture.host_update import Piece, UpdateOnHost, pack
from lrwatch.capture.norms import subtract
from lrwatch.capture.sampled_update import SampledElements, UpdateBySample
from lrwatch.capture.sharding import local
from lrwatch.capture.values import StepValues

__all__ = ["Update", "Updates", "plain_sgd_update"]

logger = logging.getLogger("lrwatch")

_EVEN = frozenset({Adam, AdamW, Adamax, NAdam})
"""Optimizers that move elements about as far as each other. RAdam does not in its first steps."""


_LITTLE = 1 << 26  # bytes that are copied without a look at what is free


class Update(Protocol):
    """A step seen from its parameters: copied before, compared after; then the copy is gone."""

    def measure(self, values: StepValues) -> None:
        """Fill in update norm and parameter norm, after the step."""
        ...


class Updates:
    """Measures the updates of the sampled steps, in the way that suits their parameters."""

    def __init__(self, groups: ParameterGroups) -> None:
        self._groups = groups
        self._elements = SampledElements(groups)
        self._is_short_of_memory = False
        self._kinds = self._kinds_now()
        # Pieces hold tensors of several layers.
        self._pieces: tuple[Piece, ...] | None = None if groups.layers else pack(groups)

    def begin(self, optimizer: Optimizer, *, before_gradients: bool = False) -> Update | None:
        """Prepare to measure a step that is about to be made; ``None`` if memory runs out.

        Parameters
        ----------
        optimizer
            Whose step it is.
        before_gradients
            Whether it computes its gradients itself, by a closure: any parameter may change then
            that is trained, otherwise only those with a gradient.
        """
        parameters = self._groups.parameters
        trained = (p.requires_grad if before_gradients else p.grad is not None for p in parameters)
        changing = frozenset(map(id, compress(parameters, trained)))
        for _ in range(2):  # again, with less, if it does
            try:
                return self._begin(optimizer, changing)
            except (MemoryError, RuntimeError) as error:
                self._tell_of_memory(error)
        return None

    def measure(self, update: Update, values: StepValues) -> None:
        """Fill in what was measured, after the step, unless memory runs out."""
        try:
            update.measure(values)
        except (MemoryError, RuntimeError) as error:
            self._tell_of_memory(error)

    def _begin(self, optimizer: Optimizer, changing: frozenset[int]) -> Update:
        groups, elements = self._groups, self._elements
        if UpdateFromBuffers.suits(groups, optimizer):
            return UpdateFromBuffers(groups, optimizer)
        if elements.is_smaller and (
            type(optimizer) in _EVEN or self._is_short_of_memory or not _has_room_for_copy(groups)
        ):
            return UpdateBySample(groups, elements, changing)
        return self._copy(changing)

    def _tell_of_memory(self, error: Exception) -> None:
        if not isinstance(error, MemoryError) and "memory" not in str(error):
            raise error
        if not self._is_short_of_memory:
            self._is_short_of_memory = True
            logger.warning("update norms are estimated, or missing: %s", error)

    def _copy(self, changing: frozenset[int]) -> Update:
        if self._pieces is not None and self._kinds != (kinds := self._kinds_now()):
            # A part of the model was given another type, as by `module.bfloat16()`.
            self._kinds, self._pieces = kinds, pack(self._groups)
        if self._pieces is None:
            return _UpdateByTensor(self._groups, changing)
        return UpdateOnHost(self._groups, self._pieces, changing)

    def _kinds_now(self) -> list[tuple[torch.dtype, int]]:
        return [(p.dtype, p.numel()) for p in self._groups.parameters]


def _has_room_for_copy(groups: ParameterGroups) -> bool:
    """Tell whether a copy of all parameters leaves most of a device's free memory alone."""
    size = sum(p.numel() * p.element_size() for p in groups.parameters)
    if groups.device is None or groups.device.type != "cuda" or size < _LITTLE:
        return True
    free, _ = torch.cuda.mem_get_info(groups.device)
    reserved = torch.cuda.memory_reserved(groups.device)
    free += reserved - torch.cuda.memory_allocated(groups.device)
    return 4 * size < free


class _UpdateByTensor:
    """The way for every kind of parameter on every device, with few kernels."""

    def __init__(self, groups: ParameterGroups, changing: frozenset[int]) -> None:
        self._groups = groups
        self._is_changing = [id(p) in changing for p in groups.parameters]
        self._changing = list(compress(groups.parameters, self._is_changing))
        self._copies: list[Tensor] = [local(p.detach()).clone() for p in self._changing]

    def measure(self, values: StepValues) -> None:
        """Fill in update norm and parameter norm, after the step."""
        groups = self._groups
        subtract([local(p.detach()) for p in self._changing], self._copies)
        changes = groups.norms(self._copies, like=self._changing)
        sizes = groups.norms([p.detach() for p in groups.parameters])
        groups.fill_update(values, self._is_changing, changes, sizes)


def plain_sgd_update(values: StepValues, optimizer: Optimizer) -> None:
    """Fill in the update norm of SGD without momentum or decay: it is lr times the gradient's.

    That costs nothing, so every step has it. With several groups their gradients after
    clipping would be needed one by one; sampling is left to do it then.
    """
    group = optimizer.param_groups[0]
    is_plain = type(optimizer) is SGD and not group["momentum"] and not group["weight_decay"]
    if is_plain and len(optimizer.param_groups) == 1:
        values.update_norm = derived(mul, values.lr, values.grad_norm_clipped)
