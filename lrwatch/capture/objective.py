"""The loss of a step, without being told: the sum of the roots of `backward` since the last.

That is the function whose gradient the step uses, so loss and gradient norm belong together:
accumulation by ``(loss / n).backward()`` gives the mean, two calls of `backward` their sum.
"""

from __future__ import annotations

import weakref
from collections.abc import Sequence

from torch import Tensor

from lrwatch.capture.groups import ParameterGroups
from lrwatch.capture.scaling import unscaled
from lrwatch.capture.values import Number
from lrwatch.records import NULL

__all__ = ["Before", "Objective"]

_PROBES = 64

Marks = list[tuple[int, int] | None]
Before = tuple[Marks, Sequence[object] | None]
"""Gradients as they were before a `backward`, and the roots of one it runs within."""


class Objective:
    """Adds up the loss of the coming step.

    Parameters
    ----------
    is_captured
        Take losses from `backward`; otherwise only gradients are looked at.

    Attributes
    ----------
    has_gradient
        Whether a `backward` filled our gradients since the last step.
    """

    def __init__(self, groups: ParameterGroups, *, is_captured: bool) -> None:
        self.has_gradient = False
        self._is_captured = is_captured
        self._sum: Number | None = None
        self._last_root: weakref.ref[Tensor] | None = None
        self._roots: Sequence[object] | None = None  # of the `backward` under way
        self.follow(groups)

    def follow(self, groups: ParameterGroups) -> None:
        """Look at these parameters from now on."""
        self._is_on_host = groups.is_on_host
        # Those that tell whether a `backward` was ours: all, or many from first to last.
        self._probes = groups.parameters[:: len(groups.parameters) // _PROBES + 1]

    def before_backward(self, roots: Sequence[object]) -> Before:
        """Note the gradients as they are, and forget losses whose gradients were thrown away."""
        marks = self._marks()
        if self._sum is not None and not any(marks):
            self._sum = None  # `zero_grad` came since
        outer, self._roots = self._roots, roots  # checkpointing runs `backward` within another
        return marks, outer

    def after_backward(self, before: Before, roots: Sequence[object]) -> bool:
        """Add the roots if that `backward` filled our gradients; returns whether it did."""
        marks, outer = before
        is_recorded, self._roots = self._roots is None, outer  # by a step made within it
        if is_recorded or marks == self._marks():
            return False
        self.has_gradient = True
        self._add(roots)
        return True

    def now(self) -> Number:
        """Return the loss so far, `NULL` where none was seen."""
        return NULL if self._sum is None else self._sum

    def end_step(self) -> None:
        """Begin anew: a step has used what was added up."""
        self._sum, self.has_gradient = None, False

    def take_roots_under_way(self) -> None:
        """Add the roots of a `backward` within which a hook on a parameter makes a step."""
        if self._roots is not None:
            self._add(self._roots)
            self._roots = None

    def is_new(self, loss: object) -> bool:
        """Tell whether a loss is one whose `backward` is still to come."""
        last = None if self._last_root is None else self._last_root()
        return isinstance(loss, Tensor) and loss.requires_grad and loss is not last

    def _add(self, roots: Sequence[object]) -> None:
        for root in roots:
            if self._is_captured and isinstance(root, Tensor) and root.numel() == 1:
                self._last_root = weakref.ref(root)
                loss = unscaled(root)
                # On a CPU the number is there; elsewhere reading it would wait for the device.
                number: Number = loss.item() if self._is_on_host else loss.detach()
                self._sum = number if self._sum is None else self._sum + number

    def _marks(self) -> Marks:
        """Return a mark for each gradient that differs once it was added to."""
        grads = [p.grad for p in self._probes]
        return [None if g is None else (id(g), g._version) for g in grads]  # noqa: SLF001
