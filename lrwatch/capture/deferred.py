"""Numbers that follow from others, at once on a host, and once those have arrived from a device.

A square root, a sum or a quotient on a device is a kernel to launch, which costs more than the
copy of what it is made of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor

__all__ = ["Deferred", "Number", "derived", "number_of", "tensors_of"]


@dataclass(frozen=True, slots=True)
class Deferred:
    """A number that is computed on the host, from numbers that are still on a device."""

    parts: Sequence[float | Tensor | Deferred]
    compute: Callable[..., float]

    def tensors(self) -> Iterator[Tensor]:
        """Yield the tensors whose numbers are needed."""
        return tensors_of(self.parts)

    def number(self, read: Callable[[Tensor], float]) -> float:
        """Compute it, with the numbers of tensors as `read` gives them."""
        return self.compute(*[number_of(part, read) for part in self.parts])


Number: TypeAlias = float | Tensor | Deferred
"""A number, a tensor of shape ``()`` whose number is not on the host yet, or what follows."""


def derived(compute: Callable[..., float], *parts: Number) -> Number:
    """Return what `compute` makes of numbers, now or when they are on the host."""
    if any(isinstance(part, (Tensor, Deferred)) for part in parts):
        return Deferred(parts, compute)
    return compute(*parts)


def tensors_of(numbers: Iterable[Number]) -> Iterator[Tensor]:
    """Yield the tensors that hold numbers, or what they are made of."""
    for number in numbers:
        if isinstance(number, Deferred):
            yield from number.tensors()
        elif isinstance(number, Tensor):
            yield number


def number_of(part: Number, read: Callable[[Tensor], float]) -> float:
    """Return a number, with those of tensors as `read` gives them."""
    if isinstance(part, Deferred):
        return part.number(read)
    return read(part) if isinstance(part, Tensor) else part
