"""L2 norms of lists of tensors, one a tensor, right for every type of tensor at the least cost.

The common case, dense real tensors, is one `_foreach_norm`. On a CPU the norms become Python
numbers at once: for a handful of tensors, adding up there is cheaper than two more kernels.
Elsewhere they stay on the device, as reading one would wait for all work before it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from lrwatch.capture.values import Number, Numbers

__all__ = ["subtract", "tensor_norms", "total_norm"]

# Beyond these the squares that float32 adds up come near its limits; NaN and 0 count as beyond.
_LEAST, _MOST = 1e-18, 1e18

_HALVES = frozenset({torch.float16, torch.bfloat16})


def tensor_norms(tensors: Sequence[Tensor]) -> Numbers:
    """Return the L2 norm of each tensor.

    Parameters
    ----------
    tensors
        Real or complex, dense or sparse, of any floating type and device. Half-precision
        values are added up in float32. On a CPU a norm that float32 cannot hold, because the
        squares overflow or vanish, is computed once more in float64.

    Returns
    -------
    Numbers if the first tensor is on a CPU, else a tensor of shape ``(n_tensors,)`` on the
    device of the first.
    """
    if not tensors:
        return []
    try:
        norms = list(torch._foreach_norm(_in_full_precision(tensors)))  # noqa: SLF001
    except (RuntimeError, TypeError, NotImplementedError):
        norms = [_careful_norm(tensor) for tensor in tensors]
    device = norms[0].device
    if device.type != "cpu":
        return torch.stack([norm.to(device, torch.float32, non_blocking=True) for norm in norms])
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
    if isinstance(norms, Tensor):
        total: Tensor = torch.linalg.vector_norm(norms)
        return total
    # hypot() calls an infinity beside a NaN infinite; a NaN anywhere must stay visible.
    length = math.hypot(*norms)
    return math.nan if math.isinf(length) and any(map(math.isnan, norms)) else length


def _in_full_precision(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return tensors that `_foreach_norm` treats rightly: half precision becomes float32."""
    if _HALVES.isdisjoint([t.dtype for t in tensors]):
        return list(tensors)
    return [t.float() if t.dtype in _HALVES else t for t in tensors]


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
