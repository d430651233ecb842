"""Every schedule of torch: each recorded rate is the scheduler's own, and the curve has a name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.optim import lr_scheduler as schedules

import lrwatch
from lrwatch.detect.schedule_name import name_of

pytestmark = pytest.mark.slow

N_STEPS = 300
PEAK = 0.1

Make = Callable[[torch.optim.Optimizer], Any]

SCHEDULES: dict[str, tuple[Make, str]] = {
    "fixed": (lambda o: schedules.ConstantLR(o, 1.0), "constant"),
    "time-based": (
        lambda o: schedules.LambdaLR(o, lambda t: 1 / (1 + 0.05 * t)),
        "inverse time decay",
    ),
    "inverse square root": (
        lambda o: schedules.LambdaLR(o, lambda t: min((t + 1) / 20, (20 / (t + 1)) ** 0.5)),
        "warm-up (19 steps), inverse square root decay",
    ),
    "step": (lambda o: schedules.StepLR(o, 100), "steps down at 100 and 200"),
    "multi-step": (
        lambda o: schedules.MultiStepLR(o, [20, 250], gamma=0.3),
        "steps down at 20 and 250",
    ),
    "exponential": (lambda o: schedules.ExponentialLR(o, 0.99), "exponential decay"),
    "multiplicative": (
        lambda o: schedules.MultiplicativeLR(o, lambda t: 0.98),
        "exponential decay",
    ),
    "polynomial": (lambda o: schedules.PolynomialLR(o, N_STEPS, 2.0), "polynomial decay"),
    "linear": (lambda o: schedules.LinearLR(o, 1.0, 0.01, N_STEPS), "linear decay"),
    "cosine": (lambda o: schedules.CosineAnnealingLR(o, N_STEPS, 1e-4), "cosine decay"),
    "half a cosine": (lambda o: schedules.CosineAnnealingLR(o, 2 * N_STEPS), "cosine decay"),
    "warm restarts": (
        lambda o: schedules.CosineAnnealingWarmRestarts(o, 100),
        "warm restarts at 100 and 200",
    ),
    "triangular": (lambda o: schedules.CyclicLR(o, 0.01, PEAK, 50), "cyclical, 3 rises"),
    "triangular2": (
        lambda o: schedules.CyclicLR(o, 0.01, PEAK, 50, mode="triangular2"),
        "cyclical, 3 rises to falling peaks",
    ),
    "exp range": (
        lambda o: schedules.CyclicLR(o, 0.01, PEAK, 50, mode="exp_range", gamma=0.99),
        "cyclical, 3 rises to falling peaks",
    ),
    "one cycle": (
        lambda o: schedules.OneCycleLR(o, PEAK, N_STEPS + 1),
        "one cycle, with its peak at step 89",
    ),
    "warm-up": (
        lambda o: schedules.LinearLR(o, 0.01, 1.0, 30),
        "warm-up (30 steps), constant",
    ),
    "warm-up, stable, decay": (
        lambda o: schedules.LambdaLR(o, lambda t: min(t / 30, 1, (N_STEPS - t) / 60)),
        "warm-up (30 steps), constant to step 240, linear decay",
    ),
    "sequential": (
        lambda o: schedules.SequentialLR(
            o,
            [schedules.LinearLR(o, 0.1, 1.0, 30), schedules.CosineAnnealingLR(o, N_STEPS - 30)],
            [30],
        ),
        "warm-up (30 steps), cosine decay",
    ),
    "chained": (
        lambda o: schedules.ChainedScheduler(
            [schedules.ConstantLR(o, 0.5, 40), schedules.ExponentialLR(o, 1.0)]
        ),
        "warm-up (40 steps), constant",
    ),
    "stochastic": (
        lambda o: schedules.LambdaLR(o, lambda t: 0.5 + (t * 7919 % 101) / 202),
        "changing from step to step",
    ),
    "on a plateau": (
        lambda o: schedules.ReduceLROnPlateau(o, patience=90, threshold=10.0),
        "steps down at 91, 182 and 273",
    ),
}


@pytest.mark.parametrize(("make", "name"), SCHEDULES.values(), ids=SCHEDULES)
def test_the_rate_of_each_step_is_the_schedulers_own(tmp_path: Path, make: Make, name: str) -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=PEAK, momentum=0.9)
    scheduler = make(optimizer)
    used = []
    with lrwatch.watch(optimizer, dir=tmp_path, alerts=None) as run:
        for _ in range(N_STEPS):
            optimizer.zero_grad()
            loss = weight.square().sum()
            loss.backward()
            used.append(float(optimizer.param_groups[0]["lr"]))
            optimizer.step()
            takes_loss = isinstance(scheduler, schedules.ReduceLROnPlateau)
            scheduler.step(*([loss.item()] if takes_loss else []))
    recorded = lrwatch.read(run.path)["lr"]
    assert recorded.tolist() == used
    assert name_of(recorded.to_numpy()) == name


def test_momentum_that_is_cycled_changes_no_rate(tmp_path: Path) -> None:
    weight = torch.nn.Parameter(torch.ones(2))
    optimizer = torch.optim.SGD([weight], lr=PEAK, momentum=0.9)
    with lrwatch.watch(optimizer, dir=tmp_path, alerts=None) as run:
        for step in range(20):
            optimizer.param_groups[0]["momentum"] = 0.8 + 0.1 * (step % 2)
            optimizer.zero_grad()
            weight.square().sum().backward()
            optimizer.step()
    assert lrwatch.read(run.path)["lr"].tolist() == [PEAK] * 20


@pytest.mark.parametrize(
    ("rates", "name"),
    [
        ([], ""),
        ([float("nan")] * 30, ""),
        ([0.0] * 30, ""),
        ([0.1] * 3, "constant"),
        ([0.1, 0.2, 0.3], ""),
        ([10 ** (-5 + step / 20) for step in range(100)], "exponential rise"),
        ([step / 100 for step in range(100)], "linear rise"),
        ([0.1] * 50 + [0.01] + [0.1] * 50, "warm restarts at 51"),
        (
            [0.1 * 0.9 ** (step // 10) for step in range(200)],
            "steps down at 10, 20, 30 and 16 other steps",
        ),
    ],
)
def test_a_name_says_what_was_seen(rates: list[float], name: str) -> None:
    assert name_of(np.array(rates)) == name


def test_steps_are_those_of_the_rows() -> None:
    lr, step = np.repeat([0.1, 0.01], 30), np.arange(60) * 10 + 5
    assert name_of(lr, step) == "steps down at 305"
