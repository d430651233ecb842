"""Norms of tensors that are spread over processes (FSDP2, tensor parallel).

A `DTensor` holds a part of a tensor. The squares of the parts are added up over the processes
of its device mesh, which every one of them must join: so every rank measures, at the same
steps, and one writes.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from lrwatch.capture.norms import tensor_norms
from lrwatch.capture.values import Numbers

__all__ = [
    "added_up",
    "is_flattened",
    "is_sharded",
    "local",
    "meeting_place",
    "n_processes",
    "norms_of_parts",
    "rank",
]


def rank() -> int:
    """Return the number of this process among those that train together, 0 for one alone."""
    return torch.distributed.get_rank() if _is_distributed() else 0


def n_processes() -> int:
    """Return how many processes train together."""
    return torch.distributed.get_world_size() if _is_distributed() else 1


def meeting_place() -> Any:
    """Return the key-value store through which the processes met; ``None`` for one alone.

    To write there and to look whether something is there waits for no other process. What an
    earlier start of the job wrote may still be in the store of torchrun, and is not in this one.
    """
    if not _is_distributed():
        return None
    from torch.distributed import distributed_c10d

    store = distributed_c10d._get_default_store()  # noqa: SLF001  torch's own parts use it
    start = os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")
    return distributed_c10d.PrefixStore(f"lrwatch/{start}", store)


def _is_distributed() -> bool:
    return torch.distributed.is_available() and torch.distributed.is_initialized()


def is_sharded(tensors: Sequence[Tensor]) -> bool:
    """Tell whether any tensor is spread over processes."""
    return is_flattened(tensors) or any(hasattr(tensor, "device_mesh") for tensor in tensors)


def is_flattened(tensors: Sequence[Tensor]) -> bool:
    """Tell whether any is a part of which nothing tells the whole, as of FSDP's first version."""
    return n_processes() > 1 and any(hasattr(tensor, "_fsdp_flattened") for tensor in tensors)


def local(tensor: Tensor) -> Tensor:
    """Return the part of a tensor that this process holds."""
    part = getattr(tensor, "_local_tensor", tensor)
    # A reduction that is under way on another stream must have ended.
    return part.wait() if hasattr(part, "wait") else part


def norms_of_parts(tensors: Sequence[Tensor]) -> Numbers:
    """Return the L2 norm of the part of each tensor that is here; waits for no other process."""
    return tensor_norms([local(tensor) for tensor in tensors])


def added_up(norms: Numbers, like: Sequence[Tensor]) -> Numbers:
    """Return the L2 norm of each whole tensor; every process of their meshes must call this.

    Parameters
    ----------
    norms
        Those of the parts that are here.
    like
        Tensors with the layout of theirs; those of one mesh are added up in one reduction.
    """
    is_on_host = not any(isinstance(norm, Tensor) for norm in norms)
    if is_on_host:
        squares = torch.tensor(norms, dtype=torch.float64).square()
    else:
        squares = torch.stack(
            [norm.double() for norm in norms if isinstance(norm, Tensor)]
        ).square()
    for mesh, places in _by_mesh(like):
        chosen = torch.tensor(places, device=squares.device)
        copies = torch.tensor([_n_copies(like[place]) for place in places], device=squares.device)
        total = squares[chosen] / copies
        for dimension in range(mesh.ndim):
            torch.distributed.all_reduce(total, group=mesh.get_group(dimension))
        squares[chosen] = total
    whole = squares.sqrt()
    return list(whole.tolist() if is_on_host else whole.unbind())


def _by_mesh(tensors: Sequence[Tensor]) -> list[tuple[Any, list[int]]]:
    meshes: dict[int, tuple[Any, list[int]]] = {}
    for place, tensor in enumerate(tensors):
        mesh = getattr(tensor, "device_mesh", None)
        if mesh is not None:
            meshes.setdefault(id(mesh), (mesh, []))[1].append(place)
    return list(meshes.values())


def _n_copies(tensor: Any) -> int:
    """Return in how many processes of its mesh each element of a tensor is."""
    n_copies = 1
    for dimension, placement in enumerate(tensor.placements):
        if placement.is_replicate():
            n_copies *= tensor.device_mesh.size(dimension)
    return n_copies
