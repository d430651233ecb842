"""Numbers of many steps, side by side on a device, so that they travel to the host together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["DeviceBlock"]

_SLOTS = 4096
"""Numbers of a block: tens of steps of a net of a hundred tensors, 16 KiB in float32."""


class DeviceBlock:
    """Room for numbers on a device, used again after each copy to the host.

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
