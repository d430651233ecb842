"""Hooks around the steps of an optimizer that may be taken off at any time, on any thread.

`Optimizer.step` goes through its hooks, and raises `RuntimeError` in the training loop if one
was taken off meanwhile. So hooks that are not wanted any more first do nothing, and leave where
no step can be under way: at once, or before the next `backward` of the thread that makes steps.
"""

from __future__ import annotations

import inspect
import sys
import threading
import weakref
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, TypeAlias

from torch.optim import Optimizer, optimizer

from lrwatch.capture import backward
from lrwatch.capture.backward_call import BackwardCall

__all__ = ["StepHooks", "is_step_within_step"]

Before: TypeAlias = Callable[[Optimizer, tuple[Any, ...], dict[str, Any]], Any]
After: TypeAlias = Callable[[Optimizer, tuple[Any, ...], dict[str, Any]], None]


class StepHooks:
    """Hooks before and after each step of an optimizer.

    Parameters
    ----------
    optimizer
        Any torch optimizer; it keeps this object alive until the hooks are off.
    before
        Called before a step; what it returns is torch's affair.
    after
        Called after a step.
    """

    def __init__(self, optimizer: Optimizer, before: Before, after: After | None = None) -> None:
        for other in backward.listeners.live():
            if isinstance(other, StepHooks):
                other.make_way(optimizer)
        self._optimizer = weakref.ref(optimizer)
        self._before: Before | None = before
        self._after = after
        self._thread = threading.get_ident()  # which makes the steps
        self._handles = [optimizer.register_step_pre_hook(self._on_begin)]
        if after is not None:
            self._handles.append(optimizer.register_step_post_hook(self._on_end))

    def take_off(self) -> None:
        """Call nobody any more, and leave the optimizer as soon as that does no harm."""
        self._before = self._after = None
        if self._is_harmless():
            self._remove()
        elif self._handles and self._optimizer() is not None:
            backward.listeners.discard(self)  # of an earlier call
            backward.listeners.add(self)

    def make_way(self, optimizer: Optimizer) -> None:
        """Leave, where others come to the same optimizer: there may be no `backward` at all."""
        if self._optimizer() is optimizer and self._is_harmless():
            self._remove()

    def before_backward(self, _call: BackwardCall) -> None:
        """Leave, where it is the thread of the steps that has come to its `backward`."""
        if self._is_harmless():
            self._remove()

    def after_backward(
        self, _call: BackwardCall, _before: None, *, roots: Sequence[object]
    ) -> None:
        """Do nothing: there is no loss to find any more."""

    def _on_begin(
        self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
        self._thread = threading.get_ident()
        before = self._before
        return None if before is None else before(optimizer, args, kwargs)

    def _on_end(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        after = self._after
        if after is not None:
            after(optimizer, args, kwargs)

    def _is_harmless(self) -> bool:
        """Tell whether torch cannot be going through the hooks."""
        if threading.get_ident() == self._thread:
            return not _is_in_step(inspect.currentframe())
        # Has the thread ended? `threading.enumerate` knows only of those that Python began.
        return self._thread not in sys._current_frames()  # noqa: SLF001  documented

    def _remove(self) -> None:
        backward.listeners.discard(self)
        for handle in self._handles:
            handle.remove()
        self._handles.clear()


def is_step_within_step(stepping: Optimizer) -> bool:
    """Tell, in a hook, whether an optimizer's step is made by another step of it.

    torch calls the hooks of a class and those of its base, where the one calls the other.
    """
    steps = (
        frame.f_locals.get("args", (None,))[0] is stepping
        for frame in backward.callers(inspect.currentframe())
        if frame.f_code.co_filename == optimizer.__file__ and frame.f_code.co_name == "wrapper"
    )
    return sum(steps) > 1


def _is_in_step(frame: FrameType | None) -> bool:
    """Tell whether a frame was called, in any number of turns, by the step of an optimizer."""
    return any(each.f_code.co_filename == optimizer.__file__ for each in backward.callers(frame))
