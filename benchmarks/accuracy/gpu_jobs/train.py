"""All learning rates of a job, trained at once: one set of parameters each, the same batches."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call, grad_and_value, vmap

from benchmarks.accuracy.gpu_jobs.jobs import DEVICE, JOBS, PRETRAINED, Job
from benchmarks.accuracy.second_corpus.schedules import schedule
from benchmarks.accuracy.second_corpus.train import COLUMNS, EVALUATIONS, GOES_ON, Setup, Trained

REACH = 6  # half-decades on either side of the centre
BATCHES = 6  # of fixed examples, that a run is evaluated on

Rule = Callable[[Tensor, dict[str, Tensor], Tensor, int], Tensor]
"""From gradients, state, rates and step to what is taken off the parameters."""


class Sweep:
    """Parameters of all rates as rows of one table, shape ``(n_rates, n_parameters)``."""

    def __init__(self, job: Job, rates: list[float]) -> None:
        net = job.net.to(DEVICE)
        self.job = job
        self.names = [name for name, p in net.named_parameters() if p.requires_grad]
        parts = [dict(net.named_parameters())[name].detach() for name in self.names]
        self.shapes = [p.shape for p in parts]
        self.sizes = [p.numel() for p in parts]
        flat = torch.cat([p.flatten() for p in parts])
        self.values = flat.repeat(len(rates), 1)
        self.rates = torch.tensor(rates, device=DEVICE)[:, None]
        self._loss = vmap(self._of_one, in_dims=(0, None), randomness="same")
        self._step = vmap(grad_and_value(self._of_one), in_dims=(0, None), randomness="same")

    def _of_one(self, row: Tensor, batch: Any) -> Tensor:
        parts = row.split(self.sizes)
        named = {n: p.view(s) for n, p, s in zip(self.names, parts, self.shapes, strict=True)}
        with torch.autocast(DEVICE, torch.bfloat16, enabled=DEVICE == "cuda"):
            return self.job.loss(lambda *x: functional_call(self.job.net, named, x), batch)

    def step(self, batch: Any) -> tuple[Tensor, Tensor]:
        """Return gradients, shape of `values`, and losses, shape ``(n_rates,)``."""
        grads, losses = self._step(self.values, batch)
        return grads.float(), losses.float()

    @torch.no_grad()
    def evaluate(self) -> Tensor:
        g = torch.Generator().manual_seed(99)
        losses = [self._loss(self.values, self.job.draw(g)).float() for _ in range(BATCHES)]
        return torch.stack(losses).mean(0)


def swept(setup: Setup, seed: int, deadline: float) -> tuple[list[Trained], str]:
    """Train a sweep unless the time is over; say what came out."""
    if time.time() > deadline:
        return [], f"{setup.name} {seed}: no time left"
    torch.set_num_threads(1)
    began = time.monotonic()
    rates = [float(f"{setup.centre * 10 ** (k / 2):.3g}") for k in range(-REACH, REACH + 1)]
    try:
        runs = sweep(setup, rates, seed)
    except (RuntimeError, OSError) as error:
        return [], f"{setup.name} {seed}: {type(error).__name__} {str(error)[:300]}"
    ends = " ".join(f"{run.lr:g}:{run.curve[-1]:.3g}" for run in runs)
    spent = time.monotonic() - began
    return runs, f"{setup.name} {seed}: {spent:.0f} s, from {runs[0].curve[0]:.3g} to {ends}"


def sweep(setup: Setup, rates: list[float], seed: int) -> list[Trained]:
    """Train a job at every rate and return what each run recorded."""
    torch.manual_seed(seed)
    run = Sweep(JOBS[setup.task](), rates)
    rule, state = RULES[setup.optimizer], dict[str, Tensor]()
    share = schedule(setup.schedule, **setup.schedule_options)
    g = torch.Generator().manual_seed(1000 + seed)
    at = {round(k * setup.n_steps / EVALUATIONS) for k in range(EVALUATIONS)}
    rows, curve = [], []
    for step in range(setup.n_steps):
        if step in at:
            curve.append(run.evaluate())
        rates_now = run.rates * share(step / setup.n_steps)
        grads, losses = run.step(run.job.draw(g))
        norm = clipped = grads.norm(dim=1)
        if setup.clip is not None:
            clipped = norm.clamp(max=setup.clip)
            grads *= (clipped / norm)[:, None]
        update = rule(grads, state, rates_now, step)
        decay = setup.optimizer_options.get("weight_decay", 0.0)
        update += rates_now * decay * run.values
        run.values -= update
        of_all = (losses, rates_now[:, 0], norm, clipped)
        rows.append(torch.stack([*of_all, run.values.norm(dim=1), update.norm(dim=1)]))
    curve.append(run.evaluate())
    recorded = torch.stack(rows).double().cpu().numpy()
    evaluated = torch.stack(curve).double().cpu().numpy()
    return [
        _trained(setup, lr, seed, recorded[:, :, k], evaluated[:, k]) for k, lr in enumerate(rates)
    ]


def _trained(setup: Setup, lr: float, seed: int, rows: np.ndarray, curve: np.ndarray) -> Trained:
    bad = np.flatnonzero(~np.isfinite(rows[:, 0]))
    end = min(int(bad[0]) + GOES_ON, len(rows)) if len(bad) else len(rows)
    return Trained(
        setup=setup,
        model=setup.task,
        scale="linear",
        lr=lr,
        seed=seed,
        steps=dict(zip(COLUMNS, rows[:end].T, strict=True)),
        curve=[loss if math.isfinite(loss) else math.inf for loss in curve.tolist()],
        ended_early=end < len(rows),
    )


def _adamw(grads: Tensor, state: dict[str, Tensor], rates: Tensor, step: int) -> Tensor:
    """Adam without its decay, which the caller adds (Loshchilov and Hutter 2019)."""
    mean = state.setdefault("mean", torch.zeros_like(grads)).lerp_(grads, 0.1)
    square = state.setdefault("square", torch.zeros_like(grads)).lerp_(grads * grads, 0.05)
    root = (square / (1 - 0.95 ** (step + 1))).sqrt_().add_(1e-8)
    return rates * mean / (1 - 0.9 ** (step + 1)) / root


def _momentum(grads: Tensor, state: dict[str, Tensor], rates: Tensor, _: int) -> Tensor:
    buffer = state.setdefault("buffer", torch.zeros_like(grads)).mul_(0.9).add_(grads)
    return rates * buffer


def _sgd(grads: Tensor, _: dict[str, Tensor], rates: Tensor, __: int) -> Tensor:
    return rates * grads


def _lion(grads: Tensor, state: dict[str, Tensor], rates: Tensor, _: int) -> Tensor:
    mean = state.setdefault("mean", torch.zeros_like(grads))
    update = (0.9 * mean + 0.1 * grads).sign_()
    mean.lerp_(grads, 0.01)
    return rates * update


def _rmsprop(grads: Tensor, state: dict[str, Tensor], rates: Tensor, _: int) -> Tensor:
    square = state.setdefault("square", torch.zeros_like(grads)).lerp_(grads * grads, 0.01)
    return rates * grads / square.sqrt().add_(1e-8)


RULES: dict[str, Rule] = {
    "adamw": _adamw,
    "momentum": _momentum,
    "sgd": _sgd,
    "lion": _lion,
    "rmsprop": _rmsprop,
}


def pretrain(*, n_steps: int) -> float:
    """Train and keep the net that fine-tuning begins with; return the seconds."""
    began = time.monotonic()
    torch.manual_seed(7)
    run = Sweep(JOBS["language-model"](), [2e-3])
    state: dict[str, Tensor] = {}
    g = torch.Generator().manual_seed(7)
    for step in range(n_steps):
        grads, _ = run.step(run.job.draw(g))
        grads *= (1 / grads.norm(dim=1).clamp(min=1))[:, None]
        rates = run.rates * min(1, (step + 1) / 50) * (1 - step / n_steps)
        run.values -= _adamw(grads, state, rates, step)
    named = dict(run.job.net.named_parameters())
    for name, part, shape in zip(
        run.names, run.values[0].split(run.sizes), run.shapes, strict=True
    ):
        named[name].data.copy_(part.view(shape))
    torch.save(run.job.net.state_dict(), PRETRAINED)
    return time.monotonic() - began
