"""A schedule that is cut keeps its form: every later rate is the uncut one times the factor."""

from __future__ import annotations

import warnings
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim import lr_scheduler as s
from torch.optim.swa_utils import SWALR

from lrwatch.capture.intervention import scale_learning_rates, schedulers_of

pytestmark = pytest.mark.slow  # `make test` runs it, `make check` does not

N_STEPS = 40
CUT_AT = 13
FACTOR = 0.3


def one_cycle(o: Optimizer) -> s.LRScheduler:
    return s.OneCycleLR(o, max_lr=[0.4, 0.8], total_steps=N_STEPS + 1)


def sequential(o: Optimizer) -> s.LRScheduler:
    warm_up = s.LinearLR(o, 0.1, total_iters=10)
    return s.SequentialLR(o, [warm_up, s.CosineAnnealingLR(o, 30, eta_min=0.01)], [10])


def chained(o: Optimizer) -> s.ChainedScheduler:
    return s.ChainedScheduler([s.LinearLR(o, 0.1, total_iters=20), s.ExponentialLR(o, 0.95)])


SCHEDULERS: dict[str, Callable[[Optimizer], s.LRScheduler]] = {
    "lambda": lambda o: s.LambdaLR(o, lambda k: min(1.0, (k + 1) / 10) * 0.98**k),
    "multiplicative": lambda o: s.MultiplicativeLR(o, lambda k: 0.97),
    "step": lambda o: s.StepLR(o, 7),
    "multi-step": lambda o: s.MultiStepLR(o, [5, 20]),
    "constant": lambda o: s.ConstantLR(o, 0.5, total_iters=20),
    "linear": lambda o: s.LinearLR(o, 0.1, total_iters=25),
    "exponential": lambda o: s.ExponentialLR(o, 0.9),
    "polynomial": lambda o: s.PolynomialLR(o, N_STEPS + 5, power=2.0),
    "cosine": lambda o: s.CosineAnnealingLR(o, 15, eta_min=0.02),
    "warm restarts": lambda o: s.CosineAnnealingWarmRestarts(o, 8, eta_min=0.02),
    "cyclic": lambda o: s.CyclicLR(o, 0.1, 0.4, 6, cycle_momentum=False),
    "one cycle": one_cycle,
    "sequential": sequential,
    "chained": chained,
    "average of weights": lambda o: SWALR(o, 0.05, anneal_epochs=30),
}


def rates(
    make: Callable[[Optimizer], s.LRScheduler], *, factor: float, as_tensors: bool
) -> list[list[float]]:
    """Return the rates of both groups at each step, cut on the way."""
    start = [torch.tensor(0.1), torch.tensor(0.2)] if as_tensors else [0.1, 0.2]
    groups = [{"params": nn.Linear(2, 2).parameters(), "lr": lr} for lr in start]
    optimizer = torch.optim.SGD(groups, momentum=0.9)
    scheduler, seen = make(optimizer), []
    for step in range(N_STEPS):
        if step == CUT_AT:
            scale_learning_rates(optimizer, factor)
        seen.append([float(group["lr"]) for group in optimizer.param_groups])
        optimizer.step()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SequentialLR calls its schedulers in an old way
            scheduler.step()
    return seen


@pytest.mark.parametrize("as_tensors", [False, True], ids=["floats", "tensors"])
@pytest.mark.parametrize("name", SCHEDULERS)
def test_the_rest_of_a_schedule_is_cut(name: str, as_tensors: bool) -> None:
    make = SCHEDULERS[name]
    try:
        plain = rates(make, factor=1.0, as_tensors=as_tensors)
    except (TypeError, RuntimeError, ValueError) as error:
        pytest.skip(f"torch's {name} takes no rates that are tensors: {error}")
    cut = rates(make, factor=FACTOR, as_tensors=as_tensors)
    for step, (expected, seen) in enumerate(zip(plain, cut, strict=True)):
        factor = FACTOR if step >= CUT_AT else 1.0
        assert seen == pytest.approx([factor * rate for rate in expected], rel=1e-5), step


def test_a_rate_that_is_a_tensor_stays_the_same_tensor() -> None:
    rate = torch.tensor(0.5)
    optimizer = torch.optim.Adam(nn.Linear(2, 2).parameters(), lr=rate, capturable=False)
    scale_learning_rates(optimizer, 0.5)
    assert optimizer.param_groups[0]["lr"] is rate
    assert rate.item() == 0.25


def test_a_plateau_goes_on_from_the_cut_rate() -> None:
    optimizer = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=1.0)
    scheduler = s.ReduceLROnPlateau(optimizer, factor=0.5, patience=0, min_lr=0.4)
    scale_learning_rates(optimizer, 0.1)
    for _ in range(6):
        scheduler.step(1.0)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.04)


def test_schedulers_of_other_optimizers_are_left_alone() -> None:
    net = nn.Linear(2, 2)
    ours, other = (torch.optim.SGD(net.parameters(), lr=1.0) for _ in range(2))
    schedulers = [s.StepLR(optimizer, 3) for optimizer in (ours, other)]
    assert list(schedulers_of(ours)) == schedulers[:1]
    scale_learning_rates(ours, 0.5)
    assert schedulers[1].base_lrs == [1.0]
    assert other.param_groups[0]["lr"] == 1.0


def test_what_a_scheduler_says_of_its_rates_is_cut_once() -> None:
    optimizer = torch.optim.SGD(nn.Linear(2, 2).parameters(), lr=1.0)
    scheduler = sequential(optimizer)  # shares the list with its first scheduler
    scale_learning_rates(optimizer, 0.5)
    assert scheduler.get_last_lr() == [group["lr"] for group in optimizer.param_groups]
