"""L2 norms of lists of tensors, one a tensor, right for every type of tensor at the least cost.

The common case, dense real tensors, is one `_foreach_norm`. On a CPU the norms become Python
numbers at once: for a handful of tensors, adding up there is cheaper than two more kernels.
Elsewhere they stay on the device, as reading one would wait for all work before it, and are added
up when they have arrived.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence

import torch
from torch import Tensor

from lrwatch.capture.deferred import Deferred, Number
from lrwatch.capture.values import Numbers

__all__ = ["length", "subtract", "tensor_norms", "total_norm"]

# Beyond these the squares that float32 adds up come near its limits; NaN and 0 count as beyond.
_LEAST, _MOST = 1e-18, 1e18

_HALVES = frozenset({torch.float16, torch.bfloat16})


def tensor_norms(tensors: Sequence[Tensor]) -> Sequence[float | Tensor]:
    """Return the L2 norm of each tensor.

    Parameters
    ----------
    tensors
        Real or complex, dense or sparse, of any floating type and device. Half-precision
        values are added up in float32. On a CPU a norm that float32 cannot hold, because the
        squares overflow or vanish, is computed once more in float64.

    Returns
    -------
    Numbers if the first tensor is on a CPU, else tensors of shape ``()`` on its device.
    """
    if not tensors:
        return []
    try:
        norms = _norms(tensors)
    except (RuntimeError, TypeError, NotImplementedError):
        norms = [_careful_norm(tensor) for tensor in tensors]
    if norms[0].device.type != "cpu":
        return norms
    numbers: list[float] = [norm.item() for norm in norms]
    for i, number in enumerate(numbers):
        if not _LEAST < number < _MOST:
            numbers[i] = _careful_norm(tensors[i]).item()
    return numbers


def subtract(after: Sequence[Tensor], before: Sequence[Tensor]) -> None:
    """Turn the tensors in `before` into the changes since, up to their sign."""
    if before:
        torch._foreach_sub_(list(before), list(after))


def total_norm(norms: Numbers) -> Number:
    """Return the L2 norm of tensors as if they were one vector, from the norm of each."""
    if norms and not isinstance(norms[0], float):
        return Deferred(norms, length)
    return length(*norms)  # type: ignore[arg-type]


def length(*norms: float) -> float:
    """Return the length of a vector, NaN if any number is."""
    # hypot() calls an infinity beside a NaN infinite; a NaN anywhere must stay visible.
    length = math.hypot(*norms)
    return math.nan if math.isinf(length) and any(map(math.isnan, norms)) else length


def _norms(tensors: Sequence[Tensor]) -> list[Tensor]:
    foreach_norm, held = torch._foreach_norm, list(tensors)  # noqa: SLF001
    if not _HALVES.isdisjoint([t.dtype for t in held]):
        if held[0].device.type != "cpu":
            with contextlib.suppress(TypeError):  # torch < 2.4 has no dtype here
                return list(foreach_norm(held, 2.0, dtype=torch.float32))
        # Added up in half precision, it would be wrong.
        held = [t.float() if t.dtype in _HALVES else t for t in held]
    return list(foreach_norm(held))


def _careful_norm(tensor: Tensor) -> Tensor:
    values = tensor.detach()
    if values.is_sparse:
        values = values.coalesce().values()
    elif values.layout is not torch.strided:
        values = values.values()
    if values.is_complex():
        values = torch.view_as_real(values)
    norm: Tensor = torch.linalg.vector_norm(values.double())
    return norm
