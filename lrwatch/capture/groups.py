"""Parameter groups: their names, their parameters, and the learning rate of each."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import is_
from typing import Any

import torch
from torch import Tensor

from lrwatch.capture.deferred import Number
from lrwatch.capture.layers import PARAMETERS, UPDATE, Layers
from lrwatch.capture.norms import tensor_norms, total_norm
from lrwatch.capture.sharding import added_up, is_sharded, norms_of_parts
from lrwatch.capture.values import Numbers, StepValues
from lrwatch.records import NULL

__all__ = ["ParameterGroups", "learning_rates"]


def learning_rates(optimizer: torch.optim.Optimizer) -> list[float | Tensor]:
    """Return the learning rate of each parameter group; `NULL` where an optimizer has none.

    One that is a tensor on a device stays there, and may change after the step.
    """
    return [_rate(group.get("lr")) for group in optimizer.param_groups]


def _rate(rate: Any) -> float | Tensor:
    if isinstance(rate, Tensor):
        return float(rate) if rate.device.type == "cpu" else rate.detach()
    try:
        return float(rate)
    except (TypeError, ValueError):  # some compute their own where none is given: Adafactor
        return NULL


@dataclass(frozen=True, slots=True)
class ParameterGroups:
    """The parameters of an optimizer as they are now.

    Attributes
    ----------
    names
        One a group, all different.
    parameters
        All parameters, group after group.
    ids
        The `id` of each of them.
    counts
        Number of parameters in each group.
    device
        Where the first parameter is, ``None`` without any.
    is_on_host
        Whether every parameter is on the CPU.
    is_sharded
        Whether any is spread over processes.
    layers
        The same by layer, where that was asked for.
    """

    names: tuple[str, ...]
    parameters: tuple[Tensor, ...]
    ids: frozenset[int]
    counts: tuple[int, ...]
    device: torch.device | None
    is_on_host: bool
    is_sharded: bool
    layers: Layers | None = None

    @classmethod
    def of(cls, optimizer: torch.optim.Optimizer, model: torch.nn.Module | None) -> ParameterGroups:
        """Read the groups; `model` gives names to groups that have none of their own."""
        groups = optimizer.param_groups
        parameters = tuple(p for group in groups for p in group["params"])
        counts = tuple(len(group["params"]) for group in groups)
        return cls(
            names=_names(groups, model),
            parameters=parameters,
            ids=frozenset(map(id, parameters)),
            counts=counts,
            device=parameters[0].device if parameters else None,
            is_on_host=all(p.device.type == "cpu" for p in parameters),
            is_sharded=is_sharded(parameters),
        )

    @property
    def is_one(self) -> bool:
        """Whether there is a single group."""
        return len(self.counts) == 1

    def is_current(self, optimizer: torch.optim.Optimizer) -> bool:
        """Tell whether the optimizer still has these parameters, in these groups."""
        if self.parameters and self.parameters[0].device != self.device:
            return False  # the model was moved after its optimizer was made
        held = [group["params"] for group in optimizer.param_groups]
        return tuple(map(len, held)) == self.counts and all(
            map(is_, itertools.chain.from_iterable(held), self.parameters)
        )

    def totals(self, measured: Sequence[bool] | None, norms: Numbers) -> list[Number]:
        """Return the norm of each group from the norms of its tensors.

        Parameters
        ----------
        measured
            Which parameters `norms` has a value for; ``None`` for all of them.
        norms
            L2 norms of the measured parameters' tensors, in the order of `parameters`.
        """
        flags = iter(measured if measured is not None else [True] * len(self.parameters))
        sizes = [sum(next(flags) for _ in range(n)) for n in self.counts]
        ends = list(itertools.accumulate(sizes))
        spans = zip([0, *ends[:-1]], ends, strict=True)
        return [total_norm(norms[first:stop]) for first, stop in spans]

    def fill_update(
        self, values: StepValues, changing: Sequence[bool], changes: Numbers, sizes: Numbers
    ) -> None:
        """Fill in update norm and parameter norm of a step, of all, each group and each layer.

        Parameters
        ----------
        values
            The step.
        changing
            Which parameters may have changed.
        changes
            L2 norms of the changes of those.
        sizes
            L2 norms of all parameters.
        """
        values.update_norm, values.param_norm = total_norm(changes), total_norm(sizes)
        if not self.is_one:
            values.group_update_norm = self.totals(changing, changes)
            values.group_param_norm = self.totals(None, sizes)
        if self.layers is not None:
            self.layers.fill(values, UPDATE, changing, changes)
            self.layers.fill(values, PARAMETERS, None, sizes)

    def with_gradient(self) -> list[bool]:
        """Tell which parameters have a gradient."""
        return [p.grad is not None for p in self.parameters]

    def norms(self, tensors: Sequence[Tensor], like: Sequence[Tensor] | None = None) -> Numbers:
        """Return the L2 norm of each of these parameters, or of their gradients or copies.

        Where parameters are spread over processes, `like` has the layout of tensors that are
        only the parts that are here.
        """
        return self.whole_norms(self.norms_here(tensors), like or tensors)

    def norms_here(self, tensors: Sequence[Tensor]) -> Numbers:
        """Return the L2 norm of the part of each that is here; `whole_norms` adds them up."""
        return norms_of_parts(tensors) if self.is_sharded else tensor_norms(tensors)

    def whole_norms(self, norms: Numbers, like: Sequence[Tensor]) -> Numbers:
        """Return the norms of whole tensors from those of the parts that are here."""
        return added_up(norms, like) if self.is_sharded else norms


def _names(groups: list[dict[str, Any]], model: torch.nn.Module | None) -> tuple[str, ...]:
    """Name each group: its own name, else what its parameters share in the model, else a number."""
    known = {} if model is None else {id(p): name for name, p in model.named_parameters()}
    names: list[str] = []
    for i, group in enumerate(groups):
        name = str(group.get("name") or _common_module(group["params"], known) or i)
        while name in names:
            name = f"{name}-{i}"
        names.append(name)
    return tuple(names)


def _common_module(parameters: Iterable[Tensor], known: dict[int, str]) -> str:
    paths = [known.get(id(parameter), "") for parameter in parameters]
    modules = [path.split(".")[:-1] for path in paths]
    shared = itertools.takewhile(lambda parts: len(set(parts)) == 1, zip(*modules, strict=False))
    return ".".join(parts[0] for parts in shared)
