"""What a training job is, and the parts that most jobs are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from sklearn import datasets
from torch import Tensor, nn

Criterion = Callable[[Any, Any], Tensor]
ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}
NORMS: dict[str, Callable[[int], nn.Module]] = {"batch": nn.BatchNorm1d, "layer": nn.LayerNorm}


@dataclass(frozen=True)
class Task:
    """A job that can be trained.

    Attributes
    ----------
    name
        Of the model.
    model
        What is trained.
    loss
        Loss of the next minibatch.
    evaluate
        What is minimised, on examples that never change.
    scale
        ``log`` if the loss spans decades.
    """

    name: str
    model: nn.Module
    loss: Callable[[], Tensor]
    evaluate: Callable[[], float]
    scale: str = "linear"


class Batches:
    """Indices of shuffled minibatches, epoch after epoch; what does not fill one is dropped."""

    def __init__(self, n_examples: int, size: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._n, self._size = n_examples, min(size, n_examples)
        self._left: list[np.ndarray] = []

    def __call__(self) -> Tensor:
        if not self._left:
            order = self._random.permutation(self._n)
            ends = range(self._size, self._n + 1, self._size)
            self._left = [order[end - self._size : end] for end in ends]
        return torch.from_numpy(self._left.pop())


@dataclass(frozen=True)
class Examples:
    """Inputs and targets, shuffled with a seed of their own."""

    x: Tensor
    y: Tensor
    batch_size: int
    seed: int

    def task(
        self, name: str, model: nn.Module, criterion: Criterion, *, n_fixed: int = 512
    ) -> Task:
        """Make the task of predicting the targets from the inputs."""
        batch = Batches(len(self.x), self.batch_size, self.seed)
        fixed = torch.from_numpy(np.random.default_rng(7).permutation(len(self.x))[:n_fixed])

        def loss() -> Tensor:
            rows = batch()
            return criterion(model(self.x[rows]), self.y[rows])

        def evaluate() -> float:
            with torch.no_grad():
                return float(criterion(model(self.x[fixed]), self.y[fixed]))

        return Task(name, model, loss, evaluate)


def perceptron(*sizes: int, activation: str = "relu", norm: str = "") -> nn.Sequential:
    """Fully connected layers with an activation, and a normalisation, between them."""
    layers: list[nn.Module] = []
    for n_in, n_out in pairwise(sizes[:-1]):
        layers.append(nn.Linear(n_in, n_out))
        if norm:
            layers.append(NORMS[norm](n_out))
        layers.append(ACTIVATIONS[activation]())
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


def tensor(values: Any) -> Tensor:
    """Standardised values of each column."""
    array = np.asarray(values, np.float32)
    return torch.from_numpy((array - array.mean(0)) / (array.std(0) + 1e-6))


@cache
def digits() -> tuple[Tensor, Tensor]:
    """1,797 pictures of 64 standardised pixels, and their digits."""
    data = datasets.load_digits()
    pixels = torch.from_numpy(data.data.astype(np.float32))
    return (pixels - pixels.mean()) / pixels.std(), torch.from_numpy(data.target)
