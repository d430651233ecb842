"""Models of the examples themselves: variational, contrastive, by denoising."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from sklearn import datasets
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, normalize

from benchmarks.accuracy.second_corpus.tasks.task import (
    Batches,
    Task,
    digits,
    perceptron,
    tensor,
)

NoisyLoss = Callable[[Tensor, torch.Generator], Tensor]


def _task(name: str, model: nn.Module, x: Tensor, loss: NoisyLoss, batch: Batches) -> Task:
    """Make a task whose loss draws noise of its own, the same at every evaluation."""
    noise = torch.Generator().manual_seed(0)

    def evaluate() -> float:
        with torch.no_grad():
            return float(loss(x[:512], torch.Generator().manual_seed(1)))

    return Task(name, model, lambda: loss(x[batch()], noise), evaluate)


def vae(seed: int, batch_size: int, code: int = 6) -> Task:
    """Variational autoencoder (Kingma and Welling 2014)."""
    x, _ = digits()
    encoder, decoder = perceptron(64, 48, 2 * code), perceptron(code, 48, 64)

    def loss(rows: Tensor, noise: torch.Generator) -> Tensor:
        mean, log_variance = encoder(rows).chunk(2, 1)
        draw = mean + (0.5 * log_variance).exp() * torch.randn(mean.shape, generator=noise)
        surprise = 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).sum(1)
        bound: Tensor = (((decoder(draw) - rows) ** 2).sum(1) / 2 + surprise).mean() / 64
        return bound

    batch = Batches(len(x), batch_size, seed)
    return _task(f"vae-48-{code}", nn.ModuleList([encoder, decoder]), x, loss, batch)


def contrastive(seed: int, batch_size: int, width: int = 16) -> Task:
    """Two noisy views of an example find one another among the batch (van den Oord et al. 2018)."""
    x, _ = digits()
    model = perceptron(64, 64, width, norm="batch")

    def views(rows: Tensor, noise: torch.Generator) -> Tensor:
        return normalize(model(rows + 0.5 * torch.randn(rows.shape, generator=noise)), dim=1)

    def loss(rows: Tensor, noise: torch.Generator) -> Tensor:
        parts = rows.split(batch_size)
        losses = [
            cross_entropy(views(part, noise) @ views(part, noise).T / 0.2, torch.arange(len(part)))
            for part in parts
            if len(part) == batch_size
        ]
        return torch.stack(losses).mean()

    batch = Batches(len(x), batch_size, seed)
    return _task(f"mlp-bn-64-{width}", model, x, loss, batch)


def diffusion(seed: int, batch_size: int) -> Task:
    """Predict the noise that was added to points in the plane (Ho et al. 2020)."""
    points, _ = datasets.make_moons(2_000, noise=0.05, random_state=0)
    x = tensor(points)
    model = perceptron(5, 64, 64, 2, activation="gelu")

    def loss(rows: Tensor, noise: torch.Generator) -> Tensor:
        time = torch.rand(len(rows), 1, generator=noise)
        added = torch.randn(rows.shape, generator=noise)
        angle = 0.5 * math.pi * time
        seen = angle.cos() * rows + angle.sin() * added
        guess = model(torch.cat([seen, time, angle.cos(), angle.sin()], 1))
        error: Tensor = ((guess - added) ** 2).mean()
        return error

    return _task("mlp-64-64", model, x, loss, Batches(len(x), batch_size, seed))
