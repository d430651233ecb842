"""Update norms from a sample of the elements, where a copy of all parameters would be too much.

Short runs of elements, at even distances from a start that is drawn anew for each step, stand for
their tensor; small tensors are taken whole. The distance is prime, so that it falls in with no
width of a matrix. The sum of squares so estimated has no bias.

It suits optimizers that move all elements about as far, as Adam does. Where few rows of an
embedding make most of the update, the sample may miss them.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import compress
from operator import mul

import torch
from torch import Tensor

from lrwatch.capture.deferred import Number, derived
from lrwatch.capture.groups import ParameterGroups
from lrwatch.capture.norms import tensor_norms
from lrwatch.capture.values import StepValues

__all__ = ["SampledElements", "UpdateBySample"]

_RUN = 16
"""Elements side by side: a line of the cache in float32."""

_WHOLE = 4096
"""Elements up to which a tensor is taken whole."""

_SHARE, _LEAST, _MOST = 256, 1 << 17, 1 << 23
"""One element in so many is taken, but at least and at most so many of all: with a second copy
after the step 0.8 % of the memory of the parameters, at least 1 MiB, at most 64 MiB in float32."""


class SampledElements:
    """Chooses elements of parameters, others at each step.

    Attributes
    ----------
    is_smaller
        Whether that saves anything.
    """

    def __init__(self, groups: ParameterGroups) -> None:
        n_elements = sum(p.numel() for p in groups.parameters)
        wanted = min(max(n_elements // _SHARE, _LEAST), _MOST)
        self._distance = _prime_from(n_elements // wanted)
        self._random = random.Random(0)  # noqa: S311  lrwatch's own, so no script's draws shift
        self.is_smaller = n_elements > 2 * wanted and not groups.is_sharded

    def draw(self, parameters: Sequence[Tensor]) -> list[Tensor]:
        """Return views of the parameters, of shape ``(n,)`` or ``(n_runs, run)``."""
        return [self._drawn(p.detach()) for p in parameters]

    def _drawn(self, values: Tensor) -> Tensor:
        if values.dim() == 4 and not values.is_contiguous():  # noqa: PLR2004  of images
            values = values.permute(0, 2, 3, 1)
        if values.layout is not torch.strided or not values.is_contiguous():
            return values
        if values.numel() <= _WHOLE:
            return values.view(-1)
        runs = values.view(-1, math.gcd(_RUN, values.numel()))
        distance = min(self._distance, len(runs))
        return runs[self._random.randrange(distance) :: distance]


def _prime_from(least: int) -> int:
    number = max(2, least)
    while any(number % k == 0 for k in range(2, math.isqrt(number) + 1)):
        number += 1
    return number


@dataclass(frozen=True, slots=True)
class _Piece:
    """Views that are copied together: where their parameters stand, the views, and their copy."""

    places: list[int]
    views: list[Tensor]
    copy: Tensor


class UpdateBySample:
    """A step seen from some elements of its parameters: copied before, compared after.

    Parameters
    ----------
    groups
        Parameters of a step that is about to be made.
    elements
        Which of their elements are looked at.
    changing
        The `id` of each that may change.
    """

    def __init__(
        self, groups: ParameterGroups, elements: SampledElements, changing: frozenset[int]
    ) -> None:
        self._groups = groups
        self._is_changing = [id(p) in changing for p in groups.parameters]
        self._changing = list(compress(groups.parameters, self._is_changing))
        with torch.no_grad():
            self._pieces = list(_copied(elements.draw(self._changing)))

    def measure(self, values: StepValues) -> None:
        """Fill in update norm and parameter norm, after the step."""
        groups = self._groups
        changes: list[Number] = [0.0] * len(self._changing)
        with torch.no_grad():
            for piece in self._pieces:
                change = _together(piece.views).sub_(piece.copy)
                parts = (
                    change.split([len(view) for view in piece.views]) if change.dim() else [change]
                )
                for place, view, norm in zip(
                    piece.places, piece.views, tensor_norms(parts), strict=True
                ):
                    share = self._changing[place].numel() / max(view.numel(), 1)
                    changes[place] = derived(mul, norm, math.sqrt(share))
            sizes = groups.norms([p.detach() for p in groups.parameters])
        groups.fill_update(values, self._is_changing, changes, sizes)


def _copied(views: Sequence[Tensor]) -> Iterator[_Piece]:
    """Copy views, those of one kind with one kernel."""
    kinds: dict[object, list[int]] = {}
    for place, view in enumerate(views):
        is_flat = view.dim() <= 2  # noqa: PLR2004
        shape = view.shape[1:] if is_flat else place
        kinds.setdefault((view.dtype, view.device, view.dim(), shape), []).append(place)
    for places in kinds.values():
        alike = [views[place] for place in places]
        yield _Piece(places, alike, _together(alike))


def _together(views: Sequence[Tensor]) -> Tensor:
    return torch.cat(list(views)) if views[0].dim() else views[0].clone()
