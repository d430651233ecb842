"""A learning-rate sweep: one small model at rates from far too low to far too high.

All trials advance in turn, a step each, so that somebody who watches sees them part ways.
"""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Literal

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR, LRScheduler

from lrwatch.demo.language_model import CharacterModel, Text, standard_library_text
from lrwatch.recording.watcher import watch

__all__ = ["N_STEPS", "TRIALS", "DemoRun", "train_sweep"]

N_STEPS: Final = 1500
"""Steps of each trial, so that the sweep takes about a minute on one core."""

_LENGTH = 32  # characters that the model sees at once
_BATCH_SIZE = 16
_WARM_UP = 0.1  # share of the steps


@dataclass(frozen=True, slots=True)
class DemoRun:
    """One training of the sweep; the learning rate is the peak of its schedule."""

    optimizer: Literal["adamw", "sgd"]
    lr: float

    @property
    def name(self) -> str:
        """Name of the run."""
        return f"{self.optimizer}-{self.lr:g}"


TRIALS: Final[Sequence[DemoRun]] = (
    *(DemoRun("adamw", lr) for lr in (1e-4, 1e-3, 1e-2, 3e-2, 1e-1, 1.0)),
    *(DemoRun("sgd", lr) for lr in (1e-3, 3e-1, 3.0)),
)
"""For each optimizer rates from far too low to far too high, with its best one among them."""


def train_sweep(
    store: Path, *, trials: Sequence[DemoRun] = TRIALS, n_steps: int = N_STEPS
) -> Generator[int, None, None]:
    """Train all trials, each recorded as a run in `store`.

    Yields
    ------
    int
        How many steps every trial has made.
    """
    torch.set_num_threads(1)  # such a small model gains nothing from more, and others need them
    text = standard_library_text()
    with ExitStack() as recording:
        trainings = [_training(trial, text, store, n_steps, recording) for trial in trials]
        for step in range(1, n_steps + 1):
            for training in trainings:
                next(training)
            yield step


def _training(
    trial: DemoRun, text: Text, store: Path, n_steps: int, recording: ExitStack
) -> Iterator[None]:
    """Set a trial up, and return an iterator of which each item is a step."""
    torch.manual_seed(0)
    model = CharacterModel(text.n_codes, length=_LENGTH)
    optimizer = _optimizer(trial, model)
    schedule = _schedule(optimizer, n_steps)
    run = watch(
        optimizer,
        dir=store,
        name=trial.name,
        config={**asdict(trial), "schedule": "warm-up, cosine", "batch_size": _BATCH_SIZE},
        total_steps=n_steps,
        alerts=False,  # some of them are meant to go wrong, and the dashboard shows it
    )
    recording.enter_context(run)
    batches = text.batches(batch_size=_BATCH_SIZE, length=_LENGTH, seed=0)
    return _steps(model, optimizer, schedule, batches)


def _steps(
    model: CharacterModel,
    optimizer: torch.optim.Optimizer,
    schedule: LRScheduler,
    batches: Iterator[tuple[torch.Tensor, torch.Tensor]],
) -> Iterator[None]:
    for characters, following in batches:
        optimizer.zero_grad()
        loss = model.loss(characters, following)
        loss.backward()
        optimizer.step()
        schedule.step()
        yield


def _optimizer(trial: DemoRun, model: nn.Module) -> torch.optim.Optimizer:
    if trial.optimizer == "adamw":
        return torch.optim.AdamW(model.parameters(), lr=trial.lr)
    return torch.optim.SGD(model.parameters(), lr=trial.lr, momentum=0.9)


def _schedule(optimizer: torch.optim.Optimizer, n_steps: int) -> LRScheduler:
    """Return a linear warm-up, then half a cosine down to zero."""
    warm_up = max(round(_WARM_UP * n_steps), 1)

    def share(step: int) -> float:
        if step < warm_up:
            return (step + 1) / warm_up
        return 0.5 * (1 + math.cos(math.pi * (step - warm_up) / max(n_steps - warm_up, 1)))

    return LambdaLR(optimizer, share)
