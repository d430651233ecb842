"""The optimizers of the sweeps: torch's, and three that torch lacks."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

import torch
from torch import Tensor

Parameters = Iterable[Tensor]


class Lion(torch.optim.Optimizer):
    """Sign of an interpolated momentum (Chen et al. 2023, algorithm 2)."""

    def __init__(self, params: Parameters, lr: float, weight_decay: float = 0.0) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:  # noqa: ARG002  torch's signature
        for group in self.param_groups:
            for p in group["params"]:
                momentum = self.state[p].setdefault("momentum", torch.zeros_like(p))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(momentum.lerp(p.grad, 0.1).sign_(), alpha=-group["lr"])
                momentum.lerp_(p.grad, 0.01)


class Trusting(torch.optim.Optimizer):
    """Steps of another optimizer's direction, as long as each tensor is times the rate.

    With momentum it is like LARS (You et al. 2017), with Adam's direction like LAMB (You et al.
    2020, algorithm 2); tensors of norm 0 take the step as it is.
    """

    def __init__(
        self, params: Parameters, lr: float, *, adaptive: bool, weight_decay: float = 0.01
    ) -> None:
        super().__init__(params, {"lr": lr, "weight_decay": weight_decay})
        self._adaptive = adaptive
        self._n_steps = 0

    @torch.no_grad()
    def step(self, closure: Any = None) -> Any:  # noqa: ARG002  torch's signature
        self._n_steps += 1
        for group in self.param_groups:
            for p in group["params"]:
                wanted = self._direction(p).add_(p, alpha=group["weight_decay"])
                length, size = float(wanted.norm()), float(p.norm())
                trust = size / length if size > 0 and length > 0 else 1.0
                p.add_(wanted, alpha=-group["lr"] * trust)

    def _direction(self, p: Tensor) -> Tensor:
        state = self.state[p]
        grad = torch.zeros_like(p) if p.grad is None else p.grad
        state.setdefault("first", torch.zeros_like(p)).lerp_(grad, 0.1)
        first: Tensor = state["first"] / (1 - 0.9**self._n_steps)
        if not self._adaptive:
            return first
        state.setdefault("second", torch.zeros_like(p)).lerp_(grad**2, 0.001)
        second: Tensor = state["second"] / (1 - 0.999**self._n_steps)
        return first / (second.sqrt() + 1e-6)


OPTIMIZERS: dict[str, Callable[..., torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "momentum": partial(torch.optim.SGD, momentum=0.9),
    "nesterov": partial(torch.optim.SGD, momentum=0.9, nesterov=True),
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "nadam": torch.optim.NAdam,
    "rmsprop": torch.optim.RMSprop,
    "adagrad": torch.optim.Adagrad,
    "adadelta": torch.optim.Adadelta,
    "lbfgs": partial(torch.optim.LBFGS, max_iter=1),
    "lion": Lion,
    "lamb": partial(Trusting, adaptive=True),
    "lars": partial(Trusting, adaptive=False),
}

LAYERWISE = {"lamb", "lars"}
"""Optimizers that must see each tensor; the others work on all parameters at once."""
