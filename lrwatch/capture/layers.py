"""The parameters of an optimizer by layer: by the module of the model that each is in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from torch import Tensor, nn

from lrwatch.capture.norms import total_norm
from lrwatch.capture.values import Numbers, StepValues
from lrwatch.records import LAYER_COLUMNS

__all__ = ["GRADIENT", "MOST_LAYERS", "OTHERS", "PARAMETERS", "UPDATE", "Layers"]

GRADIENT, PARAMETERS, UPDATE = LAYER_COLUMNS

MOST_LAYERS: Final = 64
"""Layers that are told apart by default; each has three columns."""

OTHERS: Final = "(others)"
"""Name of what is in no module of the model, or in one too many."""

_WRAPPERS: Final = frozenset(
    {"_orig_mod", "_fsdp_wrapped_module", "_checkpoint_wrapped_module", "_forward_module"}
)


@dataclass(frozen=True, slots=True)
class Layers:
    """Which layer each parameter is in.

    A layer is a module that holds parameters itself. Where there are more than may be told
    apart, all are named by fewer steps of their path, as many as fit, so that each stands for a
    larger module: blocks of a transformer, say, in place of what is in them. Nothing is left out.

    Attributes
    ----------
    names
        Path of each layer, in the order of the model.
    places
        For each parameter the place of its layer in `names`.
    """

    names: tuple[str, ...]
    places: tuple[int, ...]

    @classmethod
    def of(cls, parameters: Sequence[Tensor], model: nn.Module | None, most: int) -> Layers:
        """Find the layers of parameters, at most so many."""
        known = {} if model is None else {id(p): name for name, p in model.named_parameters()}
        rank = {key: i for i, key in enumerate(known)}
        paths = [_path(known[id(p)]) if id(p) in known else (OTHERS,) for p in parameters]
        if paths and all(path[0] == "module" and len(path) > 1 for path in paths):
            paths = [path[1:] for path in paths]  # of a model in DistributedDataParallel
        named = _shortened(paths, [p.numel() for p in parameters], most)
        in_order = sorted(
            zip(parameters, named, strict=True),
            key=lambda pair: (pair[1] == OTHERS, rank.get(id(pair[0]), 0)),
        )
        place = {name: i for i, name in enumerate(dict.fromkeys(name for _, name in in_order))}
        return cls(tuple(place), tuple(place[name] for name in named))

    def fill(
        self, values: StepValues, kind: str, measured: Sequence[bool] | None, norms: Numbers
    ) -> None:
        """Add the norm of each layer to a step's columns, ``KIND/LAYER``.

        Parameters
        ----------
        values
            The step.
        kind
            One of `lrwatch.records.LAYER_COLUMNS`.
        measured
            Which parameters `norms` has a value for; ``None`` for all of them.
        norms
            L2 norms of the measured parameters' tensors. A layer without one gets no number.
        """
        held: list[list[object]] = [[] for _ in self.names]
        for place, norm in zip(self._measured(measured), norms, strict=True):
            held[place].append(norm)
        for name, of_layer in zip(self.names, held, strict=True):
            if of_layer:
                values.logged[f"{kind}/{name}"] = total_norm(of_layer)  # type: ignore[arg-type]

    def _measured(self, measured: Sequence[bool] | None) -> Iterator[int]:
        if measured is None:
            return iter(self.places)
        return (place for place, is_there in zip(self.places, measured, strict=True) if is_there)


def _path(parameter: str) -> tuple[str, ...]:
    """Return the path of the module that a parameter is in; of one at the root, its own name."""
    parts = [part for part in parameter.split(".") if part not in _WRAPPERS]
    return tuple(parts[:-1] or parts)


def _shortened(paths: Sequence[tuple[str, ...]], sizes: Sequence[int], most: int) -> list[str]:
    """Name each path by its first steps, as many as make no more than `most` different names."""
    for depth in range(max(map(len, paths), default=1), 0, -1):
        names = [".".join(path[:depth]) for path in paths]
        if len(set(names)) <= most:
            return names
    size: Counter[str] = Counter()
    for name, n_elements in zip(names, sizes, strict=True):
        size[name] += n_elements
    kept = {name for name, _ in size.most_common(most - 1)} - {OTHERS}
    return [name if name in kept else OTHERS for name in names]
