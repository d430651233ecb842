"""Listen to `GradScaler`: the loss before it was scaled, and the steps it skips.

`GradScaler.scale` multiplies the loss, so the root of `backward` is not the loss; the scaled
tensor remembers what it was made of. On an overflow `GradScaler.step` does not call the
optimizer, so no hook of the optimizer tells of it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, Protocol

import torch
from torch import Tensor

from lrwatch.capture.listeners import Listeners, Replaced

try:
    from torch.amp import GradScaler
except ImportError:  # torch 2.2
    from torch.cuda.amp import GradScaler  # type: ignore[assignment]

__all__ = ["ScalingListener", "listeners", "unscaled"]

_MARK = "_lrwatch_unscaled"
_replaced = Replaced()


class ScalingListener(Protocol):
    """Somebody who wants to know of gradients that were unscaled, and of steps skipped."""

    def n_steps_of(self, optimizer: torch.optim.Optimizer) -> int | None:
        """Return how many steps an optimizer has made, ``None`` if it is another one."""
        ...

    def on_skipped(self) -> None:
        """Take note of a step that was not made."""
        ...

    def on_unscaled(self, scale: Tensor) -> None:
        """Take note that its gradients were divided by the scale."""
        ...


def unscaled(root: Tensor) -> Tensor:
    """Return the loss that a root of `backward` is, or was scaled from."""
    return getattr(root, _MARK, root)


def _install() -> None:
    if not _replaced:
        _replaced.replace(GradScaler, "scale", _remembering)
        _replaced.replace(GradScaler, "unscale_", _telling)
        _replaced.replace(GradScaler, "step", _announcing)


listeners: Listeners[ScalingListener] = Listeners(_install, _replaced.restore)
"""Those who are told of unscaled gradients and of skipped steps."""


def _remembering(scale: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(scale)
    def call(self: GradScaler, outputs: Any) -> Any:
        scaled = scale(self, outputs)
        if isinstance(outputs, Tensor) and scaled is not outputs:
            setattr(scaled, _MARK, outputs.detach())
        return scaled

    return call


def _telling(unscale: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(unscale)
    def call(self: GradScaler, optimizer: torch.optim.Optimizer) -> Any:
        result = unscale(self, optimizer)
        scale = getattr(self, "_scale", None)  # there is none where scaling is switched off
        if isinstance(scale, Tensor):
            for listener in listeners.live():
                if listener.n_steps_of(optimizer) is not None:
                    listener.on_unscaled(scale)
        return result

    return call


def _announcing(step: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(step)
    def call(self: GradScaler, optimizer: torch.optim.Optimizer, *args: Any, **kwargs: Any) -> Any:
        before = [(listener, listener.n_steps_of(optimizer)) for listener in listeners.live()]
        result = step(self, optimizer, *args, **kwargs)
        for listener, n_steps in before:
            if n_steps is not None and listener.n_steps_of(optimizer) == n_steps:
                listener.on_skipped()
        return result

    return call
