"""Listen to gradient clipping: what is clipped was measured before, and for nothing.

`clip_grad_norm_` computes the norm and then scales the gradients by a factor that follows
from it, so both the norm before and the norm after are known without another pass.
"""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.utils import clip_grad

from lrwatch.capture.listeners import Listeners, Replaced

__all__ = ["ByNorm", "ClippingListener", "listeners"]


@dataclass(frozen=True, slots=True)
class ByNorm:
    """A clipping by norm, as `clip_grad_norm_` does it.

    Attributes
    ----------
    norm
        Global L2 norm of the gradients before, which torch has just computed.
    max_norm
        The norm to which they are scaled down.
    """

    norm: Tensor
    max_norm: float


class ClippingListener(Protocol):
    """Somebody who wants to see gradients before they are clipped."""

    def before_clipping(self, parameters: list[Tensor], by_norm: ByNorm | None) -> None:
        """Look at the gradients of `parameters`, which are about to be clipped.

        `by_norm` is given where all that the clipping does is known beforehand.
        """
        ...


class _LastNorm(threading.local):
    """The last norm that torch computed for clipping, as `clip_grad_norm_` passes it on."""

    norm: Tensor | None = None
    n_tensors: int = 0
    is_l2: bool = False


_replaced = Replaced()
_last = _LastNorm()


def _install() -> None:
    if _replaced:
        return
    places = (clip_grad, torch.nn.utils)
    if hasattr(clip_grad, "_clip_grads_with_norm_") and hasattr(clip_grad, "_get_total_norm"):
        # torch >= 2.6: `clip_grad_norm_` looks both up when it is called, so a script that
        # imported `clip_grad_norm_` by name before is heard as well.
        _replace(places, ("_get_total_norm", "get_total_norm"), _remembering_norm)
        _replace(places, ("_clip_grads_with_norm_", "clip_grads_with_norm_"), _announcing_norm)
    else:
        _replace(places, ("clip_grad_norm_",), _announcing)
    _replace(places, ("clip_grad_value_",), _announcing)


def _replace(places: Iterable[Any], names: Iterable[str], wrapper: Callable[[Any], Any]) -> None:
    for place in places:
        for name in names:
            _replaced.replace(place, name, wrapper)


def _restore() -> None:
    _replaced.restore()
    _last.norm = None


listeners: Listeners[ClippingListener] = Listeners(_install, _restore)
"""Those who are told of every clipping."""


def _tell(parameters: list[Tensor], by_norm: ByNorm | None = None) -> None:
    for listener in listeners.live():
        listener.before_clipping(parameters, by_norm)


def _remembering_norm(get_total_norm: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(get_total_norm)
    def call(tensors: Any, norm_type: float = 2.0, *args: Any, **kwargs: Any) -> Any:
        tensors = _as_list(tensors)
        norm = get_total_norm(tensors, norm_type, *args, **kwargs)
        _last.norm, _last.n_tensors, _last.is_l2 = norm, len(tensors), float(norm_type) == 2.0  # noqa: PLR2004
        return norm

    return call


def _announcing_norm(clip: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(clip)
    def call(
        parameters: Any, max_norm: float, total_norm: Tensor, *args: Any, **kwargs: Any
    ) -> Any:
        clipped = _as_list(parameters)
        # The norm given is that of these gradients if it was computed over as many of them
        # and is L2; any other (another p, the norm of more than is clipped) is no use here.
        n_gradients = sum(p.grad is not None for p in clipped)
        is_theirs = total_norm is _last.norm and _last.is_l2 and _last.n_tensors == n_gradients
        _tell(clipped, ByNorm(total_norm, float(max_norm)) if is_theirs else None)
        return clip(clipped, max_norm, total_norm, *args, **kwargs)

    return call


def _announcing(clip: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(clip)
    def call(parameters: Any, *args: Any, **kwargs: Any) -> Any:
        clipped = _as_list(parameters)
        _tell(clipped)
        return clip(clipped, *args, **kwargs)

    return call


def _as_list(tensors: Tensor | Iterable[Tensor]) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)
