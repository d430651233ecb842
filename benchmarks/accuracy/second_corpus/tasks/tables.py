"""Small tables and equations: physics, likelihoods, margins, a hundred examples."""

from __future__ import annotations

import math

import torch
from sklearn import datasets
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, gaussian_nll_loss

from benchmarks.accuracy.second_corpus.tasks.task import Examples, Task, perceptron, tensor


def physics(seed: int, batch_size: int, depth: int = 2, width: int = 24) -> Task:
    """Residual and boundary loss of u'' + u = -8 sin(3x), u(0) = u(pi) = 0 (Raissi et al. 2019)."""
    model = perceptron(1, *[width] * depth, 1, activation="tanh")
    random = torch.Generator().manual_seed(seed)
    ends = torch.tensor([[0.0], [math.pi]])
    fixed = torch.linspace(0, math.pi, 128)[:, None]

    def residual(points: Tensor) -> Tensor:
        x = points.clone().requires_grad_()
        u = model(x)
        (slope,) = torch.autograd.grad(u.sum(), x, create_graph=True)
        (bend,) = torch.autograd.grad(slope.sum(), x, create_graph=True)
        error: Tensor = ((bend + u + 8 * (3 * x).sin()) ** 2).mean() + 10 * (
            model(ends) ** 2
        ).mean()
        return error

    return Task(
        f"pinn-{depth}x{width}",
        model,
        lambda: residual(math.pi * torch.rand(batch_size, 1, generator=random)),
        lambda: float(residual(fixed).detach()),
        scale="log",
    )


def likelihood(seed: int, batch_size: int) -> Task:
    """Regression with a variance of its own for each example: the loss becomes negative."""
    x, y = datasets.make_friedman3(1_500, noise=0.02, random_state=0)

    def criterion(out: Tensor, target: Tensor) -> Tensor:
        mean, log_variance = out.unbind(1)
        return gaussian_nll_loss(mean, target, log_variance.clamp(-8, 8).exp())

    examples = Examples(tensor(x), tensor(y), batch_size, seed)
    return examples.task("mlp-32-32", perceptron(4, 32, 32, 2, activation="gelu"), criterion)


def hinge(seed: int, batch_size: int) -> Task:
    """Margins of classes that can be told apart: the loss reaches exactly 0."""
    x, y = datasets.make_classification(
        1_200, 20, n_informative=10, class_sep=2.5, flip_y=0.0, random_state=1
    )
    side = torch.from_numpy(2.0 * y - 1)
    model = nn.Sequential(perceptron(20, 16, 1), nn.Flatten(0))
    examples = Examples(tensor(x), side.float(), batch_size, seed)
    return examples.task("mlp-16", model, lambda out, y: (1 - out * y).relu().mean())


class Residual(nn.Module):
    """A normalised branch beside the way straight on."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(nn.LayerNorm(width), perceptron(width, width, width))

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = x + self.branch(x)
        return out


def tiny(seed: int, batch_size: int) -> Task:
    """178 examples that are soon known by heart."""
    data = datasets.load_wine()
    blocks = [Residual(16) for _ in range(3)]
    model = nn.Sequential(nn.Linear(13, 16), *blocks, nn.Linear(16, 3))
    examples = Examples(tensor(data.data), torch.from_numpy(data.target).long(), batch_size, seed)
    return examples.task("resmlp-16x3", model, cross_entropy)
