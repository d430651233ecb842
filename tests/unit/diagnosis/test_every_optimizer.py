"""Every optimizer, on one real task: at a rate that is right, 30 times and a thousandth of it.

The task is scikit-learn's digits, with a net deep enough for a rate to be too high for Adam. Two
optimizers bound their own rate and learn at every one of the three: Rprop and Adafactor.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lion_pytorch import Lion
from prodigyopt import Prodigy
from schedulefree import AdamWScheduleFree
from sklearn.datasets import load_digits
from torch import nn, optim

import lrwatch

pytestmark = pytest.mark.slow

N_STEPS = 400

Make = Callable[[Any, float], optim.Optimizer]


def schedule_free(parameters: Any, lr: float) -> optim.Optimizer:
    optimizer: optim.Optimizer = AdamWScheduleFree(parameters, lr, warmup_steps=20)
    optimizer.train()  # type: ignore[attr-defined]
    return optimizer


OPTIMIZERS: dict[str, tuple[Make, float]] = {
    "SGD": (optim.SGD, 0.3),
    "momentum": (lambda p, lr: optim.SGD(p, lr, momentum=0.9), 0.05),
    "Nesterov": (lambda p, lr: optim.SGD(p, lr, momentum=0.9, nesterov=True), 0.05),
    "Adagrad": (optim.Adagrad, 0.03),
    "Adadelta": (optim.Adadelta, 3.0),
    "RMSprop": (optim.RMSprop, 3e-3),
    "Adam": (optim.Adam, 5e-3),
    "AdamW": (optim.AdamW, 5e-3),
    "Adamax": (optim.Adamax, 1e-2),
    "NAdam": (optim.NAdam, 5e-3),
    "RAdam": (optim.RAdam, 1e-2),
    "ASGD": (optim.ASGD, 0.3),
    "Lion": (Lion, 1e-3),
    "schedule-free": (schedule_free, 1e-2),
    "Prodigy": (Prodigy, 1.0),
}


@pytest.fixture(scope="module")
def digits() -> tuple[torch.Tensor, torch.Tensor]:
    x, y = load_digits(return_X_y=True)
    return torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y)


def judged(
    digits: tuple[torch.Tensor, torch.Tensor],
    make: Make,
    lr: float,
    folder: Path,
    *,
    size: int = 64,
) -> lrwatch.Diagnosis:
    x, y = digits
    torch.manual_seed(0)
    batches = torch.Generator().manual_seed(1)
    layers = (nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 64))
    net = nn.Sequential(*layers, nn.ReLU(), nn.Linear(64, 10))
    optimizer = make(net.parameters(), lr)
    with lrwatch.watch(optimizer, dir=folder, alerts=None) as run:
        for _ in range(N_STEPS):
            chosen = torch.randperm(len(y), generator=batches)[:size]
            optimizer.zero_grad()
            nn.functional.cross_entropy(net(x[chosen]), y[chosen]).backward()
            optimizer.step()
    frame = lrwatch.read(run.path)
    np.testing.assert_allclose(frame["lr"], lr, rtol=1e-6)
    assert frame[["grad_norm", "update_norm"]].notna().any().all()
    return lrwatch.diagnose(frame)


@pytest.mark.parametrize(("make", "lr"), OPTIMIZERS.values(), ids=OPTIMIZERS)
@pytest.mark.parametrize(("factor", "kind"), [(1, "ok"), (30, "too_high"), (1e-3, "too_low")])
def test_a_rate_is_judged_for_what_it_is(
    digits: tuple[torch.Tensor, torch.Tensor],
    tmp_path: Path,
    make: Make,
    lr: float,
    factor: float,
    kind: str,
) -> None:
    assert judged(digits, make, factor * lr, tmp_path).learning_rate == kind


@pytest.mark.parametrize("factor", [1, 30])
@pytest.mark.parametrize(
    ("make", "lr", "size"),
    [(optim.Rprop, 1e-3, 1797), (optim.Adafactor, 0.3, 64)],  # Rprop is for whole data sets
    ids=["Rprop", "Adafactor"],
)
def test_one_that_bounds_its_rate_is_not_flagged(
    digits: tuple[torch.Tensor, torch.Tensor],
    tmp_path: Path,
    make: Make,
    lr: float,
    size: int,
    factor: float,
) -> None:
    assert judged(digits, make, factor * lr, tmp_path, size=size).learning_rate == "ok"
