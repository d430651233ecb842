"""L2 norms of lists of tensors, one a tensor, right for every type of tensor at the least cost.

The common case, dense real tensors, is one `_foreach_norm`. Numbers are added up on the
Python side: for a handful of tensors that is cheaper than two more kernels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor

__all__ = ["difference_norms", "tensor_norms", "total_norm"]

# Beyond these the squares that float32 adds up come near its limits; NaN and 0 count as beyond.
_LEAST, _MOST = 1e-18, 1e18

_HALVES = frozenset({torch.float16, torch.bfloat16})


def tensor_norms(tensors: Sequence[Tensor]) -> list[float]:
    """Return the L2 norm of each tensor.

    Parameters
    ----------
    tensors
        Real or complex, dense or sparse, of any floating type and device. Half-precision
        values are added up in float32. A norm that float32 cannot hold, because the squares
        overflow or vanish, is computed once more in float64.
    """
    if not tensors:
        return []
    try:
        norms = [norm.item() for norm in torch._foreach_norm(_dense(tensors))]  # noqa: SLF001
    except (RuntimeError, TypeError, NotImplementedError):
        return [_careful_norm(tensor) for tensor in tensors]
    for i, norm in enumerate(norms):
        if not _LEAST < norm < _MOST:
            norms[i] = _careful_norm(tensors[i])
    return norms


def difference_norms(after: Sequence[Tensor], before: Sequence[Tensor]) -> list[float]:
    """Return the L2 norm of the change of each tensor.

    Parameters
    ----------
    after, before
        Tensors of the same shapes; those in `before` are overwritten.
    """
    if not after:
        return []
    torch._foreach_sub_(list(before), list(after))
    return tensor_norms(before)


def total_norm(norms: Sequence[float]) -> float:
    """Return the L2 norm of tensors as if they were one vector, from the norm of each."""
    # hypot() calls an infinity beside a NaN infinite; a NaN anywhere must stay visible.
    total = math.hypot(*norms)
    return math.nan if math.isinf(total) and any(map(math.isnan, norms)) else total


def _dense(tensors: Sequence[Tensor]) -> list[Tensor]:
    """Return tensors that `_foreach_norm` treats rightly: half precision becomes float32."""
    return [t.float() if t.dtype in _HALVES else t for t in tensors]


def _careful_norm(tensor: Tensor) -> float:
    values = tensor.detach()
    if values.is_sparse:
        values = values.coalesce().values()
    elif values.layout is not torch.strided:
        values = values.values()
    if values.is_complex():
        values = torch.view_as_real(values)
    return float(torch.linalg.vector_norm(values.double()))
