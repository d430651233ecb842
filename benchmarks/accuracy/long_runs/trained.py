"""Real trainings at good rates that stay noisy: small batches, labels drawn anew, few tokens.

Each takes a minute at most on one core.
"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from sklearn.datasets import load_digits
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.accuracy.long_runs.run import LongRun
from lrwatch.records import FloatArray

__all__ = ["JOBS", "Job", "trained"]

OPTIMIZERS: Final[dict[str, Callable[..., torch.optim.Optimizer]]] = {
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "sgd": torch.optim.SGD,
    "momentum": lambda parameters, lr: torch.optim.SGD(parameters, lr, momentum=0.9),
}
REDRAWN: Final = 0.3
"""Share of the labels that are drawn anew in every batch."""


@dataclass(frozen=True)
class Job:
    """One training: what is learnt, how, and for how long."""

    task: str
    optimizer: str
    lr: float
    batch_size: int
    n_steps: int = 20_000
    decays: bool = False
    seed: int = 0

    @property
    def name(self) -> str:
        """Unlike any other job's."""
        task = self.task.replace(" ", "_")
        return f"{task}-{self.optimizer}-{self.lr:g}-{self.batch_size}-s{self.seed}"


JOBS: Final = (
    Job("digits", "adam", 3e-4, 16, 40_000),
    Job("words", "adam", 1e-3, 16),
    Job("in order", "adam", 3e-4, 16),
    Job("neighbours", "adam", 1e-3, 16),
    Job("outliers", "adam", 3e-4, 16),
    Job("pictures", "adam", 3e-4, 4),
    Job("digits", "sgd", 0.05, 16, 40_000),
    Job("digits", "adam", 1e-4, 64, 40_000),
    Job("words", "sgd", 0.1, 16),
    Job("outliers", "sgd", 0.003, 16),
    Job("in order", "sgd", 0.05, 16),
    Job("pictures", "momentum", 0.02, 8),
    Job("neighbours", "adam", 3e-3, 64),
    Job("digits", "adam", 1e-3, 32, 40_000),
    Job("digits", "adam", 1e-4, 4, 40_000),
    Job("words", "adamw", 2e-3, 32, decays=True),
    Job("outliers", "adam", 1e-3, 64),
    Job("digits", "adamw", 3e-4, 8, decays=True),
    Job("pictures", "adam", 1e-3, 16),
    Job("neighbours", "sgd", 0.5, 16),
    Job("digits", "momentum", 0.005, 16, seed=2),
    Job("words", "adam", 3e-4, 8),
    Job("digits", "adam", 1e-3, 64, seed=1),
    Job("digits", "sgd", 0.05, 64, seed=1),
)
"""A few of each kind first, for whoever has no time for all."""


def trained(job: Job) -> LongRun:
    """Train, with every norm of every step."""
    torch.manual_seed(job.seed)
    rng = np.random.default_rng(job.seed)
    model, losses = TASKS[job.task](job.batch_size, rng)
    flat = _flattened(model)
    optimizer = OPTIMIZERS[job.optimizer]([flat], lr=job.lr)
    rows = np.empty((job.n_steps, 5))
    for k in range(job.n_steps):
        rate = job.lr * _share(job, k)
        optimizer.param_groups[0]["lr"] = rate
        flat.grad.zero_()
        loss = next(losses)
        loss.backward()
        before = flat.detach().clone()
        optimizer.step()
        after = flat.detach()
        norms = [float(torch.linalg.vector_norm(x)) for x in (flat.grad, after - before, after)]
        rows[k] = [float(loss.detach()), rate, *norms]
    names = ("loss", "lr", "grad_norm", "update_norm", "param_norm")
    columns: dict[str, FloatArray] = dict(zip(names, rows.T.copy(), strict=True))
    columns["grad_norm_clipped"] = columns["grad_norm"]
    return LongRun(job.name, job.task, job.optimizer, job.lr, job.batch_size, job.seed, columns)


def _share(job: Job, step: int) -> float:
    if not job.decays:
        return 1.0
    done = step / job.n_steps
    return min(done / 0.02, 1) * (0.51 + 0.49 * math.cos(math.pi * done))


def _flattened(model: nn.Module) -> nn.Parameter:
    """One parameter that all of a model's are views of, so that a norm is one call."""
    parameters = list(model.parameters())
    flat = nn.Parameter(torch.cat([p.detach().reshape(-1) for p in parameters]))
    flat.grad = torch.zeros_like(flat)
    at = 0
    for p in parameters:
        p.data = flat.data[at : at + p.numel()].view_as(p)
        p.grad = flat.grad[at : at + p.numel()].view_as(p)
        at += p.numel()
    return flat


# -- tasks: a model, and its losses for ever ------------------------------------------------------


def _digits(size: int, rng: np.random.Generator) -> tuple[nn.Module, Iterator[Tensor]]:
    images, labels = _images()
    model = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10))

    def losses() -> Iterator[Tensor]:
        while True:
            rows = rng.integers(len(images), size=size)
            target = np.where(rng.random(size) < REDRAWN, rng.integers(10, size=size), labels[rows])
            yield functional.cross_entropy(model(images[rows]), torch.from_numpy(target))

    return model, losses()


def _in_order(size: int, rng: np.random.Generator) -> tuple[nn.Module, Iterator[Tensor]]:
    """Batches that come in the same order in every epoch, a part of the labels wrong for good."""
    images, labels = _images()
    model = nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Linear(32, 10))
    wrong = np.where(rng.random(len(labels)) < REDRAWN, rng.integers(10, size=len(labels)), labels)
    order = rng.permutation(len(images))[: len(images) // size * size].reshape(-1, size)

    def losses() -> Iterator[Tensor]:
        while True:
            for rows in order:
                yield functional.cross_entropy(model(images[rows]), torch.from_numpy(wrong[rows]))

    return model, losses()


def _pictures(size: int, rng: np.random.Generator) -> tuple[nn.Module, Iterator[Tensor]]:
    """An autoencoder that has noise taken away."""
    images, _ = _images()
    model = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 64))

    def losses() -> Iterator[Tensor]:
        while True:
            clean = images[rng.integers(len(images), size=size)]
            noise = torch.from_numpy(rng.normal(0, 0.5, clean.shape).astype(np.float32))
            yield functional.mse_loss(model(clean + noise), clean)

    return model, losses()


def _words(size: int, rng: np.random.Generator) -> tuple[nn.Module, Iterator[Tensor]]:
    """The next letter of Python's own documentation, from the eight before."""
    text = "".join(inspect.getsource(module) for module in (inspect, functional))[:400_000]
    letters = np.frombuffer(text.encode("ascii", "replace"), np.uint8).astype(np.int64)
    model = nn.Sequential(
        nn.Embedding(128, 16), nn.Flatten(), nn.Linear(128, 96), nn.GELU(), nn.Linear(96, 128)
    )

    def losses() -> Iterator[Tensor]:
        while True:
            at = rng.integers(len(letters) - 8, size=size)[:, None] + np.arange(9)
            window = torch.from_numpy(letters[at])
            yield functional.cross_entropy(model(window[:, :8]), window[:, 8])

    return model, losses()


def _neighbours(size: int, rng: np.random.Generator) -> tuple[nn.Module, Iterator[Tensor]]:
    """Vectors of words that stand near one another, against words drawn at random."""
    n_words, n_other = 500, 5
    model = nn.ModuleList([nn.Embedding(n_words, 16), nn.Embedding(n_words, 16)])
    for table in model:
        nn.init.normal_(table.weight, std=0.1)
    common = 1 / np.arange(1, n_words + 1)
    common /= common.sum()

    def losses() -> Iterator[Tensor]:
        while True:
            word = rng.choice(n_words, size=size, p=common)
            near = (word + rng.integers(1, 6, size=size)) % n_words
            other = rng.choice(n_words, size=(size, n_other), p=common)
            here = model[0](torch.from_numpy(word))[:, None]
            there = model[1](torch.from_numpy(np.concatenate([near[:, None], other], axis=1)))
            signs = torch.tensor([1.0] + [-1.0] * n_other)
            yield -functional.logsigmoid(signs * (here * there).sum(-1)).sum(1).mean()

    return model, losses()


def _outliers(size: int, rng: np.random.Generator) -> tuple[nn.Module, Iterator[Tensor]]:
    """Regression on values with heavy tails: single batches are wild for good."""
    model = nn.Sequential(nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 1))
    slope = rng.normal(size=(8, 1)).astype(np.float32)

    def losses() -> Iterator[Tensor]:
        while True:
            x = rng.normal(size=(size, 8)).astype(np.float32)
            wild = 0.2 * rng.standard_t(3, (size, 1))
            y = (np.tanh(x @ slope) + wild).astype(np.float32)
            yield functional.mse_loss(model(torch.from_numpy(x)), torch.from_numpy(y))

    return model, losses()


def _images() -> tuple[Tensor, FloatArray]:
    images, labels = load_digits(return_X_y=True)
    return torch.from_numpy((images / 16).astype(np.float32)), labels.astype(np.int64)


TASKS: Final[
    dict[str, Callable[[int, np.random.Generator], tuple[nn.Module, Iterator[Tensor]]]]
] = {
    "digits": _digits,
    "in order": _in_order,
    "pictures": _pictures,
    "words": _words,
    "neighbours": _neighbours,
    "outliers": _outliers,
}
