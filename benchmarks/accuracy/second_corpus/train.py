"""One training run, recorded at every optimizer step."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.accuracy.second_corpus.optimizers import LAYERWISE, OPTIMIZERS
from benchmarks.accuracy.second_corpus.schedules import schedule
from benchmarks.accuracy.second_corpus.tasks.task import Task

COLUMNS = ("loss", "lr", "grad_norm", "grad_norm_clipped", "param_norm", "update_norm")
EVALUATIONS = 20
GOES_ON = 50  # steps after the first loss that is not finite


@dataclass(frozen=True)
class Setup:
    """Everything of a training job but its learning rate and its seed."""

    name: str
    task: str
    optimizer: str
    schedule: str
    batch_size: int
    n_steps: int
    centre: float  # of the learning rates that are tried; the rate itself in a game
    clip: float | None = None
    task_options: dict[str, Any] = field(default_factory=dict)
    optimizer_options: dict[str, Any] = field(default_factory=dict)
    schedule_options: dict[str, Any] = field(default_factory=dict)


@dataclass
class Trained:
    """What a run recorded and what became of it; the labels are set by `label.label_sweep`."""

    setup: Setup
    model: str
    scale: str
    lr: float
    seed: int
    steps: dict[str, np.ndarray]
    curve: list[float]  # losses on fixed examples, before the first step and up to the end
    ended_early: bool
    labels: dict[str, Any] = field(default_factory=dict)

    @property
    def n_steps(self) -> int:
        return len(self.steps["loss"])

    @property
    def first_nonfinite(self) -> int:
        bad = np.flatnonzero(~np.isfinite(self.steps["loss"]))
        return int(bad[0]) if len(bad) else -1

    @property
    def outcome(self) -> float:
        """Loss on the fixed examples at the end; infinite if a loss was not finite."""
        return math.inf if self.first_nonfinite >= 0 else self.curve[-1]


class Flat:
    """All parameters of a model as one vector: norms and most optimizers cost one operation."""

    def __init__(self, model: nn.Module) -> None:
        self.parts = [p for p in model.parameters() if p.requires_grad]
        self.values = torch.cat([p.detach().flatten() for p in self.parts])
        self.grads = torch.zeros_like(self.values)
        self.whole = nn.Parameter(self.values)
        self.whole.grad = self.grads
        start = 0
        for p in self.parts:
            here = slice(start, start + p.numel())
            p.data, p.grad = self.values[here].view_as(p), self.grads[here].view_as(p)
            start = here.stop


def train(task: Task, setup: Setup, lr: float, seed: int) -> Trained:
    """Train a task and record every step."""
    flat = Flat(task.model)
    trained = flat.parts if setup.optimizer in LAYERWISE else [flat.whole]
    optimizer = OPTIMIZERS[setup.optimizer](trained, lr=lr, **setup.optimizer_options)
    share = schedule(setup.schedule, **setup.schedule_options)
    evaluate_at = {round(k * setup.n_steps / EVALUATIONS) for k in range(EVALUATIONS)}
    rows: list[tuple[float, ...]] = []
    curve = []
    end = setup.n_steps
    while len(rows) < end:
        if len(rows) in evaluate_at:
            curve.append(task.evaluate())
        for group in optimizer.param_groups:
            group["lr"] = lr * share(len(rows) / setup.n_steps)
        rows.append(_step(task, flat, optimizer, setup.clip))
        if not math.isfinite(rows[-1][0]):
            end = min(end, len(rows) + GOES_ON)
            evaluate_at = set()
    ended_early = end < setup.n_steps
    curve.append(math.inf if ended_early else task.evaluate())
    columns = np.array(rows).T
    return Trained(
        setup=setup,
        model=task.name,
        scale=task.scale,
        lr=lr,
        seed=seed,
        steps=dict(zip(COLUMNS, columns, strict=True)),
        curve=[loss if math.isfinite(loss) else math.inf for loss in curve],
        ended_early=ended_early,
    )


def _step(
    task: Task, flat: Flat, optimizer: torch.optim.Optimizer, clip: float | None
) -> tuple[float, ...]:
    """Take one optimizer step; return what is recorded of it, as in `COLUMNS`."""
    flat.grads.zero_()
    loss = task.loss()
    loss.backward()
    norm = clipped = float(flat.grads.norm())
    if clip is not None and norm > clip:
        flat.grads.mul_(clip / norm)
        clipped = clip
    before = flat.values.clone()

    def closure() -> Tensor:  # LBFGS alone asks for it, once a step
        return loss

    optimizer.step(closure)  # type: ignore[arg-type]
    with torch.no_grad():
        update = float((flat.values - before).norm())
        param = float(flat.values.norm())
    lr = optimizer.param_groups[0]["lr"]
    return float(loss.detach()), lr, norm, clipped, param, update
