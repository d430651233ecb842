"""Update norm and parameter norm on a CPU, where passes over memory are the whole cost.

The copy is one allocation of huge pages, as a fresh page of the usual size costs more than
copying its content. Small tensors go into it many at a time. After the step it is compared
block by block: a block stays in the cache while it is subtracted and both norms are taken, so
parameters and copy are read once.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch._utils import _flatten_dense_tensors

from lrwatch.capture.groups import ParameterGroups
from lrwatch.capture.norms import length, tensor_norms
from lrwatch.capture.values import StepValues

__all__ = ["Piece", "UpdateOnHost", "pack"]

_BLOCK = 1 << 16
"""Elements that are compared at a time: in float32 a block and its copy take 512 KiB."""

_FEW = 1 << 20
"""Elements from which this is worth its Python: about where copy and parameters no longer fit
into the cache of a core, and where there are huge pages to be had."""

_ALIGNMENT = 16  # bytes, the largest element's

_PLAIN = (Tensor, torch.nn.Parameter)


@dataclass(frozen=True, slots=True)
class Piece:
    """Parameters of one group and type that are copied together: small ones, or a large one."""

    group: int
    tensors: tuple[Tensor, ...]


def pack(groups: ParameterGroups) -> tuple[Piece, ...] | None:
    """Pack parameters for `UpdateOnHost`; ``None`` if it is not for them.

    It is for dense parameters on the CPU that are whole and many.
    """
    parameters = groups.parameters
    is_suited = (
        groups.is_on_host
        and not groups.is_sharded
        and all(type(p) in _PLAIN and p.layout is torch.strided for p in parameters)
        and sum(p.numel() for p in parameters) >= _FEW
    )
    return tuple(_packed(groups)) if is_suited else None


def _packed(groups: ParameterGroups) -> Iterator[Piece]:
    rest = iter(groups.parameters)
    for group, count in enumerate(groups.counts):
        small: list[Tensor] = []
        n_elements = 0
        for _ in range(count):
            tensor = next(rest)
            n = tensor.numel()
            if n > _BLOCK:
                yield Piece(group, (tensor,))
                continue
            if small and (n_elements + n > _BLOCK or tensor.dtype is not small[0].dtype):
                yield Piece(group, tuple(small))
                small, n_elements = [], 0
            small.append(tensor)
            n_elements += n
        if small:
            yield Piece(group, tuple(small))


class UpdateOnHost:
    """A step seen from its parameters: copied before, compared after.

    Parameters
    ----------
    groups
        Parameters of a step that is about to be made.
    pieces
        The same, packed.
    changing
        The `id` of each that may change.
    """

    def __init__(
        self, groups: ParameterGroups, pieces: Sequence[Piece], changing: frozenset[int]
    ) -> None:
        self._groups = groups
        self._pieces = [part for piece in pieces for part in _divided(piece, changing)]
        with torch.no_grad():
            self._copies = _copies(self._pieces, changing)

    def measure(self, values: StepValues) -> None:
        """Fill in update norm and parameter norm, after the step."""
        changes: list[list[float]] = [[] for _ in self._groups.counts]
        sizes: list[list[float]] = [[] for _ in self._groups.counts]
        with torch.no_grad():
            for piece, copy in zip(self._pieces, self._copies, strict=True):
                for change, size in _compare(_flatten_dense_tensors(piece.tensors), copy):
                    changes[piece.group].append(change)
                    sizes[piece.group].append(size)
        values.update_norm, values.param_norm = _total(changes), _total(sizes)
        if not self._groups.is_one:
            values.group_update_norm = [length(*norms) for norms in changes]
            values.group_param_norm = [length(*norms) for norms in sizes]


def _total(norms_by_group: Iterable[Iterable[float]]) -> float:
    return length(*[norm for norms in norms_by_group for norm in norms])


def _divided(piece: Piece, changing: frozenset[int]) -> Iterator[Piece]:
    """Yield what may change of a piece, and what not: either has all of it, mostly."""
    is_changing = [id(t) in changing for t in piece.tensors]
    if all(is_changing) or not any(is_changing):
        yield piece
        return
    for wanted in (True, False):
        tensors = zip(piece.tensors, is_changing, strict=True)
        yield Piece(piece.group, tuple(t for t, changes in tensors if changes is wanted))


def _copies(pieces: Sequence[Piece], changing: frozenset[int]) -> list[Tensor | None]:
    """Return a flat copy of each piece, ``None`` for one that does not change."""
    is_changing = [id(piece.tensors[0]) in changing for piece in pieces]
    rooms = iter(_rooms_for(list(itertools.compress(pieces, is_changing))))
    return [
        next(rooms).copy_(_flatten_dense_tensors(piece.tensors)) if changes else None
        for piece, changes in zip(pieces, is_changing, strict=True)
    ]


def _rooms_for(pieces: Sequence[Piece]) -> list[Tensor]:
    """Return a flat tensor for each, all in one allocation.

    It is numpy's, which asks the system for huge pages where it has them; torch does not.
    """
    dtypes = [piece.tensors[0].dtype for piece in pieces]
    sizes = [sum(t.numel() * t.element_size() for t in piece.tensors) for piece in pieces]
    whole = [-(-size // _ALIGNMENT) * _ALIGNMENT for size in sizes]
    rooms = torch.from_numpy(np.empty(sum(whole), np.uint8)).split(whole)
    return [r[:size].view(dtype) for r, size, dtype in zip(rooms, sizes, dtypes, strict=True)]


def _compare(now: Tensor, copy: Tensor | None) -> Iterator[tuple[float, float]]:
    """Yield for each block the norm of its change and its norm; the copy is used up."""
    if copy is None:
        yield 0.0, float(tensor_norms([now])[0])
        return
    for block, change in zip(now.split(_BLOCK), copy.split(_BLOCK), strict=True):
        norms = tensor_norms([change.sub_(block), block])
        yield float(norms[0]), float(norms[1])
