"""Numbers on their way from a device to the host, without ever waiting for the device.

The numbers of a step are stacked into one small tensor and copied to pinned memory behind the
kernels that compute them. A few steps later the copy is there, which an event tells without
waiting, and the step is handed on. Steps are handed on in order.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from lrwatch.capture.values import Number, StepValues

__all__ = ["Arrival", "CudaArrival", "DeviceQueue", "copy_to_host"]

_LONGEST = 256
"""Steps under way at most; beyond, the oldest is waited for, so that memory stays bounded."""

_NUMBERS = (
    "loss",
    "lr",
    "grad_norm",
    "grad_norm_clipped",
    "param_norm",
    "update_norm",
    "skipped",
)
_BY_GROUP = ("group_lr", "group_grad_norm", "group_param_norm", "group_update_norm")


class Arrival(Protocol):
    """A tensor being copied to the host."""

    def is_there(self) -> bool:
        """Tell, without waiting, whether the copy has ended."""
        ...

    def numbers(self) -> list[float]:
        """Return the numbers, waiting for the copy if it has not ended."""
        ...


class CudaArrival:
    """A copy from a CUDA device into pinned memory."""

    def __init__(self, values: Tensor) -> None:
        self._host = torch.empty(values.shape, dtype=values.dtype, pin_memory=True)
        self._host.copy_(values, non_blocking=True)
        self._event = torch.cuda.Event()
        self._event.record(torch.cuda.current_stream(values.device))

    def is_there(self) -> bool:
        """Tell whether the device has come past the copy."""
        return bool(self._event.query())

    def numbers(self) -> list[float]:
        """Return the numbers."""
        self._event.synchronize()
        return list(self._host.tolist())


class _Waiting:
    """A copy from a device without events: it is waited for at once."""

    def __init__(self, values: Tensor) -> None:
        self._numbers = values.tolist()

    def is_there(self) -> bool:
        return True

    def numbers(self) -> list[float]:
        return list(self._numbers)


def copy_to_host(values: Tensor) -> Arrival:
    """Begin to copy a tensor of shape ``(n,)`` to the host."""
    return CudaArrival(values) if values.is_cuda else _Waiting(values)


class DeviceQueue:
    """Steps whose numbers are on their way.

    Parameters
    ----------
    hand_on
        Called with each step, in order, when its numbers are on the host.
    begin_copy
        Begins a copy to the host.
    """

    def __init__(
        self,
        hand_on: Callable[[StepValues], None],
        begin_copy: Callable[[Tensor], Arrival] = copy_to_host,
    ) -> None:
        self._hand_on = hand_on
        self._begin_copy = begin_copy
        self._under_way: deque[tuple[StepValues, list[Tensor], Arrival | None]] = deque()

    def __contains__(self, values: StepValues) -> bool:
        """Tell whether a step has not been handed on yet."""
        return any(waiting is values for waiting, _, _ in self._under_way)

    def push(self, values: StepValues) -> None:
        """Take a step; one whose numbers are on the host goes straight on if none waits."""
        tensors = _tensors(values)
        if not tensors and not self._under_way:
            self._hand_on(values)
            return
        arrival = None
        if tensors:
            device = tensors[0].device
            dtype = torch.float32 if device.type == "mps" else torch.float64
            flat = [t.detach().to(device, dtype, non_blocking=True).reshape(()) for t in tensors]
            arrival = self._begin_copy(torch.stack(flat))
        self._under_way.append((values, tensors, arrival))
        self.hand_on_arrived()

    def hand_on_arrived(self) -> None:
        """Hand on the steps that have arrived, oldest first, without waiting."""
        while self._under_way:
            arrival = self._under_way[0][2]
            is_full = len(self._under_way) > _LONGEST
            if arrival is not None and not is_full and not arrival.is_there():
                return
            self._hand_on_first()

    def drain(self) -> None:
        """Hand on all steps, waiting for the device."""
        while self._under_way:
            self._hand_on_first()

    def _hand_on_first(self) -> None:
        values, tensors, arrival = self._under_way.popleft()
        numbers = [] if arrival is None else arrival.numbers()
        known = {id(t): number for t, number in zip(tensors, numbers, strict=True)}
        self._hand_on(_on_host(values, known))


def _tensors(values: StepValues) -> list[Tensor]:
    numbers: list[Number] = [getattr(values, name) for name in _NUMBERS]
    for name in _BY_GROUP:
        numbers += getattr(values, name)
    numbers += values.logged.values()
    return [number for number in numbers if isinstance(number, Tensor)]


def _on_host(values: StepValues, known: dict[int, float]) -> StepValues:
    """Return the step with each tensor replaced by its number."""

    def number(value: Number) -> float:
        if not isinstance(value, Tensor):
            return value
        # What was logged after the copy began has no number yet, and is read now.
        return known[id(value)] if id(value) in known else float(value.detach())

    moved: dict[str, Any] = {name: number(getattr(values, name)) for name in _NUMBERS}
    moved |= {name: [number(v) for v in getattr(values, name)] for name in _BY_GROUP}
    moved["logged"] = {name: number(value) for name, value in values.logged.items()}
    return dataclasses.replace(values, **moved)
