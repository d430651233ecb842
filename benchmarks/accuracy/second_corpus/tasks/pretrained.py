"""Training that goes on from a trained start: all weights, or low-rank corrections alone."""

from __future__ import annotations

from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from benchmarks.accuracy.second_corpus.tasks.task import (
    Batches,
    Examples,
    Task,
    digits,
    perceptron,
)


@cache
def _trained(norm: str) -> dict[str, Any]:
    """Weights that tell the digits 0 to 4 apart."""
    x, y = digits()
    x, y = x[y < 5], y[y < 5]
    with torch.random.fork_rng():
        torch.manual_seed(99)
        model = perceptron(64, 64, 64, 10, norm=norm)
        optimizer = torch.optim.Adam(model.parameters(), 3e-3)
        batch = Batches(len(x), 64, 0)
        for _ in range(400):
            rows = batch()
            optimizer.zero_grad()
            cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
    return {name: value.clone() for name, value in model.state_dict().items()}


def _start(norm: str) -> nn.Sequential:
    model = perceptron(64, 64, 64, 10, norm=norm)
    model.load_state_dict(_trained(norm))
    return model


def finetune(seed: int, batch_size: int, norm: str = "", rotated: bool = False) -> Task:
    """Go on with all ten digits, or with the same five turned by a quarter."""
    x, y = digits()
    if rotated:
        x, y = x[y < 5].view(-1, 8, 8).rot90(1, (1, 2)).reshape(-1, 64), y[y < 5]
    return Examples(x, y, batch_size, seed).task("mlp-64-64", _start(norm), cross_entropy)


class LowRank(nn.Module):
    """A layer that stays as it is, plus a product of two thin ones (Hu et al. 2022)."""

    def __init__(self, layer: nn.Linear, rank: int) -> None:
        super().__init__()
        self.layer = layer.requires_grad_(False)
        self.down = nn.Linear(layer.in_features, rank, bias=False)
        self.up = nn.Linear(rank, layer.out_features, bias=False)
        nn.init.zeros_(self.up.weight)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.layer(x) + 2 * self.up(self.down(x))
        return out


def low_rank(seed: int, batch_size: int, rank: int = 4) -> Task:
    model = _start("")
    layers = [LowRank(part, rank) if isinstance(part, nn.Linear) else part for part in model]
    examples = Examples(*digits(), batch_size, seed)
    return examples.task(f"lora-{rank}", nn.Sequential(*layers), cross_entropy)
