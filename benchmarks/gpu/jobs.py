"""Training jobs of three sizes: launch-bound, small and middling. One step a call."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

import lrwatch

__all__ = ["JOBS", "TINY_JOBS", "Job", "Shape"]


@dataclass(frozen=True)
class Shape:
    """Of a GPT, or of an MLP of three layers where `n_layers` is 0."""

    n_layers: int
    width: int
    vocabulary: int = 256
    batch: int = 8
    length: int = 256


JOBS = {
    "MLP, 6 tensors": Shape(0, 256, batch=128),
    "GPT, 10.9 M": Shape(6, 384, batch=16),
    "GPT-2, 124 M": Shape(12, 768, vocabulary=50_257, batch=8, length=512),
}
TINY_JOBS = {
    "MLP, 6 tensors": Shape(0, 64, batch=16),
    "GPT, 10.9 M": Shape(1, 32, batch=2, length=16),
    "GPT-2, 124 M": Shape(2, 64, vocabulary=500, batch=2, length=16),
}


class Block(nn.Module):
    def __init__(self, width: int, n_heads: int) -> None:
        super().__init__()
        self.n_heads = n_heads
        self.before_attention, self.before_mlp = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        n, length, width = x.shape
        parts = self.qkv(self.before_attention(x)).view(n, length, 3, self.n_heads, -1)
        q, k, v = parts.permute(2, 0, 3, 1, 4)
        attended = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.out(attended.transpose(1, 2).reshape(n, length, width))
        out: Tensor = x + self.down(functional.gelu(self.up(self.before_mlp(x))))
        return out


class Gpt(nn.Module):
    """As nanoGPT has it; embedding and head share their weight."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.tokens = nn.Embedding(shape.vocabulary, shape.width)
        self.places = nn.Embedding(shape.length, shape.width)
        n_heads = max(1, shape.width // 64)
        self.blocks = nn.Sequential(*[Block(shape.width, n_heads) for _ in range(shape.n_layers)])
        self.norm = nn.LayerNorm(shape.width)

    def forward(self, tokens: Tensor) -> Tensor:
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.norm(self.blocks(self.tokens(tokens) + self.places(places)))
        return functional.linear(x, self.tokens.weight)


class Job:
    """A net, its fused AdamW and its data, under bfloat16 autocast."""

    def __init__(
        self, shape: Shape, device: str, *, clip: float | None = None, **options: Any
    ) -> None:
        torch.manual_seed(0)
        self.device, self.clip, self.n = device, clip, 0
        self.run: lrwatch.Run | None = None
        self.net: nn.Module
        if shape.n_layers:
            self.net = Gpt(shape)
            tokens = torch.randint(0, shape.vocabulary, (8, shape.batch, shape.length + 1))
            self.x, self.y = tokens[..., :-1].to(device), tokens[..., 1:].to(device)
        else:
            widths = [64, shape.width, shape.width, 10]
            layers = [nn.Linear(a, b) for a, b in itertools.pairwise(widths)]
            self.net = nn.Sequential(layers[0], nn.ReLU(), layers[1], nn.ReLU(), layers[2])
            self.x = torch.rand(8, shape.batch, 64, device=device)
            self.y = torch.randint(0, 10, (8, shape.batch), device=device)
        self.net.to(device)
        settings: dict[str, Any] = {"lr": 3e-4, "fused": True, **options}
        self.optimizer = torch.optim.AdamW(self.net.parameters(), **settings)

    def watch(self, folder: Path) -> Job:
        """Have the job recorded."""
        self.run = lrwatch.watch(self.optimizer, dir=folder, name="gpu", alerts=None)
        return self

    def loss(self) -> Tensor:
        """Return the loss of the next batch."""
        x, y = self.x[self.n % 8], self.y[self.n % 8]
        self.n += 1
        with torch.autocast(self.device, torch.bfloat16):
            logits = self.net(x)
        return functional.cross_entropy(logits.flatten(0, -2).float(), y.flatten())

    def step(self) -> Tensor:
        """Make a step; returns its loss, on the device."""
        loss = self.loss()
        loss.backward()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.net.parameters(), self.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.detach()

    def finish(self) -> None:
        """End the recording, if there is any."""
        if self.run is not None:
            self.run.finish()
