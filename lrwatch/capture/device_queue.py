"""Numbers on their way from a device to the host, without ever waiting for the device.

The numbers of many steps are put side by side into one block on the device, in one kernel a step,
and copied to pinned memory together: when the block is full, or its first step a quarter of a
second old. Later the copy is there, which an event tells without waiting, and the steps are handed
on, in order.
"""

from __future__ import annotations

import dataclasses
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from lrwatch.capture.deferred import Number, number_of, tensors_of
from lrwatch.capture.values import StepValues
from lrwatch.records import FLOAT_COLUMNS, GROUP_COLUMNS

__all__ = ["Arrival", "CudaArrival", "DeviceBlock", "DeviceQueue", "copy_to_host"]

_LONGEST = 64
"""Copies under way at most; beyond, the oldest is waited for, so that memory stays bounded."""

_SLOTS = 4096
"""Numbers of a block: tens of steps of a net of a hundred tensors, 16 KiB in float32."""

_NUMBERS = (*FLOAT_COLUMNS, "skipped")
_BY_GROUP = tuple(f"group_{kind}" for kind in GROUP_COLUMNS)


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


@dataclass(slots=True)
class _Batch:
    """Steps whose numbers are copied together, each with the tensors that hold them, by `id`.

    `places` has where those of each step are in the copy.
    """

    began: float
    steps: list[tuple[StepValues, dict[int, Tensor]]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    arrival: Arrival | None = None


class DeviceQueue:
    """Steps whose numbers are on their way.

    Parameters
    ----------
    hand_on
        Called with each step, in order, when its numbers are on the host.
    begin_copy
        Begins a copy to the host.
    patience
        Seconds for which steps are gathered before they are copied together.
    """

    def __init__(
        self,
        hand_on: Callable[[StepValues], None],
        begin_copy: Callable[[Tensor], Arrival] = copy_to_host,
        patience: float = 0.25,
    ) -> None:
        self._hand_on = hand_on
        self._begin_copy = begin_copy
        self._patience = patience
        self._block: DeviceBlock | None = None
        self._batches: deque[_Batch] = deque()  # only the last one may still be gathering

    def __contains__(self, values: StepValues) -> bool:
        """Tell whether a step has not been handed on yet."""
        return any(waiting is values for batch in self._batches for waiting, _ in batch.steps)

    def push(self, values: StepValues) -> None:
        """Take a step; one whose numbers are on the host goes straight on if none waits."""
        tensors = {id(tensor): tensor for tensor in _tensors(values)}
        if not tensors and not self._batches:
            self._hand_on(values)
            return
        block = self._block_for(list(tensors.values()))
        if not self._batches or self._batches[-1].arrival is not None:
            self._batches.append(_Batch(time.monotonic()))
        batch = self._batches[-1]
        batch.places.append(block.put(list(tensors.values())))
        batch.steps.append((values, tensors))
        if time.monotonic() - batch.began >= self._patience:
            self._copy()
        self.hand_on_arrived()

    def _block_for(self, tensors: list[Tensor]) -> DeviceBlock:
        """Return a block that has room, for which those gathered may have to go."""
        if self._block is None or not self._block.has_room_for(tensors):
            self._copy()
            if self._block is None or not self._block.suits(tensors):
                self._block = DeviceBlock(tensors)
        return self._block

    def _copy(self) -> None:
        """Begin to copy what was gathered."""
        if self._batches and self._batches[-1].arrival is None and self._block is not None:
            taken = self._block.take()
            begin = self._begin_copy if len(taken) else _Waiting  # nothing to wait for
            self._batches[-1].arrival = begin(taken)

    def hand_on_arrived(self) -> None:
        """Hand on the steps that have arrived, oldest first, without waiting."""
        while self._batches and self._batches[0].arrival is not None:
            is_full = len(self._batches) > _LONGEST
            if not is_full and not self._batches[0].arrival.is_there():
                return
            self._hand_on_first()

    def drain(self) -> None:
        """Hand on all steps, waiting for the device."""
        self._copy()
        while self._batches:
            self._hand_on_first()

    def _hand_on_first(self) -> None:
        batch = self._batches.popleft()
        numbers = [] if batch.arrival is None else batch.arrival.numbers()
        for (values, tensors), place in zip(batch.steps, batch.places, strict=True):
            self._hand_on(_on_host(values, dict(zip(tensors, numbers[place:], strict=False))))


def _tensors(values: StepValues) -> Iterator[Tensor]:
    numbers: list[Number] = [getattr(values, name) for name in _NUMBERS]
    for name in _BY_GROUP:
        numbers += getattr(values, name)
    return tensors_of([*numbers, *values.logged.values()])


def _on_host(values: StepValues, known: Mapping[int, float]) -> StepValues:
    """Return the step with each tensor replaced by its number."""

    def read(tensor: Tensor) -> float:
        # What was logged after the step was put has no number yet, and is read now.
        return known[id(tensor)] if id(tensor) in known else float(tensor.detach())

    moved: dict[str, Any] = {name: number_of(getattr(values, name), read) for name in _NUMBERS}
    moved |= {name: [number_of(v, read) for v in getattr(values, name)] for name in _BY_GROUP}
    moved["logged"] = {name: number_of(value, read) for name, value in values.logged.items()}
    return dataclasses.replace(values, **moved)


class DeviceBlock:
    """Room for numbers side by side on a device, used again after each copy to the host.

    In float32, as the norms of half and of single precision are; in float64 for nets that are.

    Parameters
    ----------
    tensors
        The first that it is to hold, of shape ``()`` or of one element.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._device, self._dtype = _device(tensors), _dtype(tensors)
        size = max(_SLOTS, len(tensors))
        self._numbers = torch.empty(size, device=self._device, dtype=self._dtype)
        self._slots = self._numbers.unbind()
        self._n_used = 0
        self._stream = _stream(self._device)

    def suits(self, tensors: Sequence[Tensor]) -> bool:
        """Tell whether such tensors lose nothing here, and all of them find room."""
        if not tensors:
            return True
        is_exact = self._dtype is torch.float64 or _dtype(tensors) is self._dtype
        return is_exact and _device(tensors) == self._device and len(tensors) <= len(self._slots)

    def has_room_for(self, tensors: Sequence[Tensor]) -> bool:
        """Tell whether they find room beside what is here already."""
        return self.suits(tensors) and self._n_used + len(tensors) <= len(self._slots)

    def put(self, tensors: Sequence[Tensor]) -> int:
        """Take a copy of numbers, in one kernel where they are of one type; returns its place."""
        self._follow_stream()
        place = self._n_used
        slots = self._slots[place : place + len(tensors)]
        self._n_used += len(tensors)
        alike: tuple[list[Tensor], list[Tensor]] = [], []
        for slot, tensor in zip(slots, tensors, strict=True):
            number = tensor.detach() if tensor.requires_grad else tensor
            if number.dtype is slot.dtype and number.device == self._device and not number.ndim:
                alike[0].append(slot)
                alike[1].append(number)
            else:
                slot.copy_(number.reshape(()), non_blocking=True)
        if alike[0]:
            torch._foreach_copy_(*alike)
        return place

    def take(self) -> Tensor:
        """Return what was put, of shape ``(n,)``; it must be copied before more is put."""
        self._follow_stream()
        taken, self._n_used = self._numbers[: self._n_used], 0
        return taken

    def _follow_stream(self) -> None:
        """Have the present stream come after the one on which numbers were put before."""
        stream = _stream(self._device)
        if stream != self._stream and self._stream is not None:
            torch.cuda.current_stream(self._device).wait_stream(self._stream)
        self._stream = stream


def _device(tensors: Sequence[Tensor]) -> torch.device:
    """Return the first device: a number on the host among them must not bring the others there."""
    devices = [tensor.device for tensor in tensors]
    return next((device for device in devices if device.type != "cpu"), devices[0])


def _dtype(tensors: Sequence[Tensor]) -> torch.dtype:
    is_double = any(tensor.dtype is torch.float64 for tensor in tensors)
    return torch.float64 if is_double else torch.float32


def _stream(device: torch.device) -> torch.cuda.Stream | None:
    return torch.cuda.current_stream(device) if device.type == "cuda" else None
