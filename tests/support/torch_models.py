"""Small models and the plainest training loop, for tests of the recorder."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import nn

torch.set_num_threads(1)  # threads that spin for work slow small models down

__all__ = ["batch", "global_norm", "small_net", "train"]


def small_net(seed: int = 0) -> nn.Sequential:
    """Make a net with four parameter tensors."""
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 3))


def batch(seed: int = 0, size: int = 12) -> tuple[torch.Tensor, torch.Tensor]:
    """Make inputs ``(size, 8)`` and classes ``(size,)``."""
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(size, 8, generator=generator)
    return x, torch.randint(0, 3, (size,), generator=generator)


def train(
    net: nn.Module,
    optimizer: torch.optim.Optimizer,
    n_steps: int,
    *,
    before_step: Callable[[int], None] = lambda step: None,
    after_step: Callable[[int], None] = lambda step: None,
) -> list[float]:
    """Run a plain loop and return the loss of each step."""
    losses = []
    for step in range(n_steps):
        x, y = batch(step)
        loss = nn.functional.cross_entropy(net(x), y)
        optimizer.zero_grad()
        loss.backward()
        before_step(step)
        optimizer.step()
        after_step(step)
        losses.append(loss.item())
    return losses


def global_norm(tensors: Iterable[torch.Tensor | None]) -> float:
    """Return the L2 norm of all tensors together, in float64, the slow and plain way."""
    squares = [float(t.detach().double().pow(2).sum()) for t in tensors if t is not None]
    return float(sum(squares) ** 0.5)
