"""Sequences: recurrent nets on a decaying memory, word vectors with negative samples."""

from __future__ import annotations

from functools import cache

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import logsigmoid, mse_loss

from benchmarks.accuracy.second_corpus.tasks.task import Examples, Task, tensor

N_WORDS = 200


class LastState(nn.Module):
    """A number from the last state of a recurrent net."""

    def __init__(self, cell: str, width: int) -> None:
        super().__init__()
        self.cell = getattr(nn, cell)(2, width, batch_first=True)
        self.head = nn.Linear(width, 1)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.cell(x)
        value: Tensor = self.head(states[:, -1]).squeeze(1)
        return value


@cache
def memories(n: int = 1_500, length: int = 16) -> tuple[Tensor, Tensor]:
    """Pairs of random series, and a number that depends on all of both."""
    random = np.random.default_rng(5)
    series = random.normal(size=(n, length, 2))
    fading = np.exp((np.arange(length) - length + 1) / 5)
    target = np.tanh(series[:, :, 0] @ fading) + 0.5 * np.sin(series[:, :, 1].sum(1))
    noise = 0.1 * random.normal(size=n)
    return torch.from_numpy(series.astype(np.float32)), tensor(target + noise)


def recurrent(seed: int, batch_size: int, cell: str = "LSTM", width: int = 24) -> Task:
    examples = Examples(*memories(), batch_size, seed)
    return examples.task(f"{cell.lower()}-{width}", LastState(cell, width), mse_loss, n_fixed=384)


def words(seed: int, batch_size: int, width: int = 12) -> Task:
    """Vectors of words that stand near one another (Mikolov et al. 2013), on a made-up text."""
    vectors, contexts = nn.Embedding(N_WORDS, width), nn.Embedding(N_WORDS, width)
    model = nn.ModuleList([vectors, contexts])
    for weights in model.parameters():
        weights.data.mul_(0.1)

    def draw(random: np.random.Generator, n: int) -> Tensor:
        word = random.integers(0, N_WORDS, n)
        near = (word + random.integers(-6, 7, n)) % N_WORDS
        return torch.from_numpy(np.stack([word, near, random.integers(0, N_WORDS, n)]))

    def nll(drawn: Tensor) -> Tensor:
        word, near, far = vectors(drawn[0]), contexts(drawn[1]), contexts(drawn[2])
        seen, unseen = (word * near).sum(1), (word * far).sum(1)
        return -(logsigmoid(seen) + logsigmoid(-unseen)).mean()

    def evaluate() -> float:
        with torch.no_grad():
            return float(nll(fixed))

    fixed = draw(np.random.default_rng(7), 1024)
    random = np.random.default_rng(seed)
    return Task(f"skipgram-{width}", model, lambda: nll(draw(random, batch_size)), evaluate)
