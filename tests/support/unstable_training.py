"""A small regression that converges, or diverges within some 20 steps, as its rate has it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

torch.set_num_threads(1)  # threads that spin for work slow small models down

__all__ = ["STABLE", "UNSTABLE", "Training"]

STABLE = 0.05
UNSTABLE = 3.0

PATIENCE = 60.0
"""Seconds for what takes one at most, on a machine that has other things to do."""


class Training:
    """A net, its optimizer, and a loop in which to wait for something.

    Parameters
    ----------
    lr
        `STABLE`, `UNSTABLE` or another.
    make
        Makes the optimizer from parameters and ``lr``.
    """

    def __init__(
        self, lr: float = UNSTABLE, make: Callable[..., torch.optim.Optimizer] = torch.optim.SGD
    ) -> None:
        torch.manual_seed(0)
        self.net = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 1))
        self.optimizer = make(self.net.parameters(), lr=lr)
        self.n_steps = 0

    def loss(self) -> torch.Tensor:
        """Compute the loss of a new batch, and its gradient."""
        generator = torch.Generator().manual_seed(self.n_steps)
        x = torch.randn(16, 8, generator=generator)
        loss: torch.Tensor = (self.net(x) - x.sum(1, keepdim=True)).square().mean()
        self.optimizer.zero_grad()
        loss.backward()
        return loss

    def step(self) -> None:
        """Make a step."""
        self.loss()
        self.optimizer.step()
        self.n_steps += 1

    def steps(self, n_steps: int) -> None:
        """Make some steps."""
        for _ in range(n_steps):
            self.step()

    def until(self, is_done: Callable[[], Any]) -> None:
        """Go on until something is true: slowly, as it is a matter of seconds."""
        for _ in self.patiently():
            if is_done():
                return
            self.step()

    @staticmethod
    def patiently() -> Iterator[None]:
        """Count to the time at which a test fails."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            yield
            time.sleep(0.005)
        raise TimeoutError("nothing came of it")

    def weights(self) -> list[torch.Tensor]:
        """Return a copy of the parameters."""
        return [parameter.detach().clone() for parameter in self.net.parameters()]
