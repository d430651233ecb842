"""One call of `backward`, and whose gradients it fills, as its graph tells."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from typing import Any

from torch import Tensor

__all__ = ["BackwardCall"]


class BackwardCall:
    """A call of `backward` that is under way, or just over.

    Parameters
    ----------
    roots
        What it was given.
    inputs
        The tensors whose gradients alone it fills; ``None`` for every leaf that it reaches.
    outer
        The call within which this one is made, as checkpointing does.

    Attributes
    ----------
    thread
        Which made the call.
    """

    __slots__ = ("_inputs", "_leaves", "_takers", "outer", "roots", "thread")

    def __init__(
        self, roots: Sequence[object], inputs: object = None, outer: BackwardCall | None = None
    ) -> None:
        self.roots = roots
        self.thread = threading.get_ident()
        self.outer = outer
        self._inputs = inputs
        self._leaves: set[int] | None = None
        self._takers: tuple[object, ...] = ()

    @property
    def outermost(self) -> BackwardCall:
        """The call of the script to which this one belongs; itself, if the script made it."""
        return self if self.outer is None else self.outer.outermost

    @property
    def leaves(self) -> set[int]:
        """The `id` of each tensor whose gradient it fills.

        The graph is gone through once, in about a microsecond a node.
        """
        if self._leaves is None:
            self._leaves = set(_leaves(self.roots, self._inputs))
        return self._leaves

    def reaches(self, parameters: AbstractSet[int]) -> bool:
        """Tell whether it fills gradients of any of these tensors, given by their `id`."""
        return not self.leaves.isdisjoint(parameters)

    def take(self, taker: object) -> bool:
        """Take the roots as loss; returns whether `taker` has not done so before."""
        is_new = not any(one is taker for one in self._takers)
        self._takers = (*self._takers, taker)
        return is_new


def _leaves(roots: Sequence[object], inputs: object) -> Iterator[int]:
    if inputs is not None:
        yield from map(id, [inputs] if isinstance(inputs, Tensor) else _listed(inputs))
        return
    waiting = [_node(root) for root in roots]
    yield from (id(root) for root in roots if _node(root) is None)
    seen: set[Any] = {None}
    while waiting:
        node = waiting.pop()
        if node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):  # where gradients are added up
            yield id(node.variable)
        waiting += [node for node, _ in node.next_functions]


def _node(root: Any) -> Any:
    """Return the node of the graph that a root, a tensor or an edge, comes from."""
    return root.grad_fn if isinstance(root, Tensor) else getattr(root, "node", None)


def _listed(inputs: Any) -> list[object]:
    return list(inputs) if isinstance(inputs, (tuple, list)) else []
