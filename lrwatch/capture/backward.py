"""Find the loss without being told: the root of `backward` is the function that is trained.

`Tensor.backward` calls `torch.autograd.backward` by that name, so that is the one place to
listen; it is put back as it was when the last listener leaves.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor

from lrwatch.capture.listeners import Listeners

__all__ = ["BackwardListener", "listeners"]


class BackwardListener(Protocol):
    """Somebody who wants to know of the losses whose gradients reached its parameters."""

    def before_backward(self, roots: Sequence[object]) -> Any:
        """Look at the gradients that a `backward` is about to add to; returns what was seen."""
        ...

    def after_backward(self, before: Any, roots: Sequence[object]) -> None:
        """Look again, and take the roots, none if it failed, if gradients were added to."""
        ...


_original: Callable[..., Any] | None = None
_installed: Callable[..., Any] | None = None


def _install() -> None:
    global _original, _installed  # noqa: PLW0603  torch has one `backward` in a process
    if _installed is None:
        _original = torch.autograd.backward
        _installed = _announcing(_original)
        setattr(torch.autograd, "backward", _installed)  # noqa: B010  mypy knows only the original


def _restore() -> None:
    global _original, _installed  # noqa: PLW0603
    # Where somebody else wrapped `backward` after us, ours stays, with nobody to tell.
    if _installed is not None and torch.autograd.backward is _installed:
        setattr(torch.autograd, "backward", _original)  # noqa: B010
        _original = _installed = None


listeners: Listeners[BackwardListener] = Listeners(_install, _restore)
"""Those who are told of every `backward`."""


def _announcing(backward: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(backward)
    def call(tensors: Any, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(tensors, Tensor | tuple | list):
            tensors = tuple(tensors)  # an iterator gives its tensors only once
        roots = (tensors,) if isinstance(tensors, Tensor) else tensors
        told = [(listener, listener.before_backward(roots)) for listener in listeners.live()]
        reached: Sequence[object] = ()
        try:
            result = backward(tensors, *args, **kwargs)
            reached = roots
        finally:
            for listener, before in told:
                listener.after_backward(before, reached)
        return result

    return call
