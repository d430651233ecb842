"""The loss of a step, without being told: the sum of the roots of `backward` since the last.

That is the function whose gradient the step uses, so loss and gradient norm belong together:
accumulation by ``(loss / n).backward()`` gives the mean, two calls of `backward` their sum.
"""

from __future__ import annotations

import logging
import weakref
from collections.abc import Callable, Sequence
from operator import add
from typing import TypeAlias

from torch import Tensor

from lrwatch.capture.backward import call_under_way, is_one_thread
from lrwatch.capture.backward_call import BackwardCall
from lrwatch.capture.deferred import Number, derived
from lrwatch.capture.groups import ParameterGroups
from lrwatch.capture.scaling import unscaled
from lrwatch.records import NULL

__all__ = ["Marks", "MissingLoss", "Objective"]

logger = logging.getLogger("lrwatch")

_PROBES = 64

_STEPS_WITHOUT = 10
"""Steps without a loss after which it is said: a script may log one a little later."""

_OTHER_WAY = (
    "gradients did not come from backward() of one number, but from torch.autograd.grad, say, or "
    "backward() of several; record it with run.log(loss=...), or watch with loss=None"
)
_NO_GRADIENT = (
    "no parameter of the optimizer had a gradient; check that the optimizer holds the parameters "
    "that the loss depends on, and that they are neither frozen nor detached"
)

Marks: TypeAlias = list[tuple[int, int] | None]
"""Gradients as they were at one moment."""


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
        self._threads: set[int] = set()  # of several, those that fill our gradients
        self._sum: Number | None = None
        self._last_root: weakref.ref[Tensor] | None = None
        self.follow(groups)

    def follow(self, groups: ParameterGroups) -> None:
        """Look at these parameters from now on."""
        self._is_on_host = groups.is_on_host
        # Those that tell whether a `backward` was ours: all, or many from first to last.
        self._probes = groups.parameters[:: len(groups.parameters) // _PROBES + 1]
        self._ids = groups.ids

    def before_backward(self, call: BackwardCall) -> Marks | None:
        """Note the gradients as they are, and forget losses whose gradients were thrown away.

        Returns ``None`` where the graph will tell whether that `backward` was ours.
        """
        if not self._may_look(call):
            return None
        marks = self._marks()
        if self._sum is not None and not any(marks):
            self._sum = None  # `zero_grad` came since
        return marks

    def after_backward(
        self, call: BackwardCall, before: Marks | None, roots: Sequence[object]
    ) -> bool:
        """Add the roots if that `backward` filled our gradients; returns whether it did."""
        if before is not None and is_one_thread():
            is_ours = before != self._marks()
        else:
            is_ours = call.reaches(self._ids)
            if is_ours:
                self._threads.add(call.thread)
        if not is_ours or not call.take(self):  # a step within it has taken them
            return False
        self.has_gradient = True
        self._add(roots)
        return True

    def now(self) -> Number:
        """Return the loss so far, `NULL` where none was seen."""
        return NULL if self._sum is None else self._sum

    def has_gradients(self) -> bool:
        """Tell whether a parameter has a gradient, however it came."""
        return any(mark is not None for mark in self._marks())

    def end_step(self) -> None:
        """Begin anew: a step has used what was added up."""
        self._sum, self.has_gradient = None, False

    def take_roots_under_way(self) -> None:
        """Add the roots of a `backward` within which a hook on a parameter makes a step."""
        call = call_under_way()
        if call is not None and call.take(self):
            self._add(call.roots)

    def is_new(self, loss: object) -> bool:
        """Tell whether a loss is one whose `backward` is still to come."""
        last = None if self._last_root is None else self._last_root()
        return isinstance(loss, Tensor) and loss.requires_grad and loss is not last

    def _may_look(self, call: BackwardCall) -> bool:
        """Tell whether no other thread can be at our gradients, and there is a use in looking."""
        return is_one_thread() or (
            self._sum is not None and len(self._threads) < 2 and call.reaches(self._ids)  # noqa: PLR2004
        )

    def _add(self, roots: Sequence[object]) -> None:
        for root in roots:
            if self._is_captured and isinstance(root, Tensor) and root.numel() == 1:
                self._last_root = weakref.ref(root)
                loss = unscaled(root)
                # On a CPU the number is there; elsewhere reading it would wait for the device.
                number: Number = loss.item() if self._is_on_host else loss.detach()
                self._sum = number if self._sum is None else derived(add, self._sum, number)

    def _marks(self) -> Marks:
        """Return a mark for each gradient that differs once it was added to."""
        grads = [p.grad for p in self._probes]
        return [None if g is None else (id(g), g._version) for g in grads]  # noqa: SLF001


class MissingLoss:
    """Counts steps without a loss, until there is one; says once that none is found.

    Parameters
    ----------
    is_expected
        Whether losses are to be found; otherwise nothing is said.
    """

    def __init__(self, *, is_expected: bool) -> None:
        self._is_settled = not is_expected
        self._n_without = 0
        self._had_gradients = False

    def found(self) -> None:
        """Take note of a loss."""
        self._is_settled = True

    def step(self, has_gradients: Callable[[], bool]) -> None:
        """Take note of a step without one, and of whether any parameter had a gradient then."""
        if self._is_settled:
            return
        self._n_without += 1
        self._had_gradients = self._had_gradients or has_gradients()
        if self._n_without >= _STEPS_WITHOUT:
            self.end()

    def end(self) -> None:
        """Say so, unless there was a loss or it was said before."""
        if not self._is_settled and self._n_without:
            self._is_settled = True
            logger.warning(
                "no loss was found in %d steps: %s",
                self._n_without,
                _OTHER_WAY if self._had_gradients else _NO_GRADIENT,
            )
