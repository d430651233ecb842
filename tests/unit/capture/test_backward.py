"""Which loss a step used, where steps and `backward` do not simply follow each other."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch.autograd.graph import GradientEdge
from torch.utils.checkpoint import checkpoint
from torch_models import batch, small_net

import lrwatch
from lrwatch.capture import recorder


def parameter(value: float) -> nn.Parameter:
    return nn.Parameter(torch.tensor([value]))


def step_within_backward(
    weights: list[nn.Parameter], folder: Path
) -> dict[nn.Parameter, lrwatch.Run]:
    """Have each parameter make a step as soon as its gradient is there."""
    optimizers = {weight: torch.optim.SGD([weight], lr=0.01) for weight in weights}
    runs = {weight: lrwatch.watch(one, dir=folder) for weight, one in optimizers.items()}

    def step(weight: torch.Tensor) -> None:
        optimizers[weight].step()  # type: ignore[index]
        optimizers[weight].zero_grad()  # type: ignore[index]

    for weight in weights:
        weight.register_post_accumulate_grad_hook(step)
    return runs


def losses(run: lrwatch.Run) -> list[float]:
    run.finish()
    return lrwatch.read(run.path)["loss"].tolist()


@pytest.mark.parametrize("n", [1, 3])
def test_a_step_within_backward_has_the_loss_of_that_backward(tmp_path: Path, n: int) -> None:
    weights = [parameter(k + 1.0) for k in range(n)]
    runs = step_within_backward(weights, tmp_path)
    true = []
    for _ in range(4):
        loss = torch.cat(list(weights)).square().sum()
        loss.backward()
        true.append(loss.item())
    assert [losses(run) for run in runs.values()] == [true] * n


def test_a_step_within_backward_takes_no_loss_of_others(tmp_path: Path) -> None:
    first, second = parameter(1.0), parameter(2.0)
    runs = step_within_backward([first, second], tmp_path)
    (first * 3).sum().backward()
    (second * 5).sum().backward()
    assert losses(runs[first]) == [3.0]
    assert losses(runs[second]) == [10.0]


def test_a_backward_that_failed_counts_for_nothing(tmp_path: Path) -> None:
    weight = parameter(1.0)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    run = lrwatch.watch(optimizer, dir=tmp_path)

    def fail(gradient: torch.Tensor) -> None:
        raise MemoryError

    broken = weight * 7
    broken.register_hook(fail)
    with pytest.raises(MemoryError):
        broken.sum().backward()
    (weight * 2).sum().backward()
    optimizer.step()
    assert losses(run) == [2.0]


def test_checkpointing_which_runs_backward_within_backward_changes_nothing(tmp_path: Path) -> None:
    net = small_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    run = lrwatch.watch(optimizer, dir=tmp_path)
    true = []
    for k in range(3):
        x, y = batch(k)
        hidden = checkpoint(net, x.requires_grad_(), use_reentrant=True)
        loss = nn.functional.cross_entropy(hidden, y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        true.append(loss.item())
    assert losses(run) == true


@pytest.mark.parametrize(
    "given",
    [lambda loss: [loss], lambda loss: iter([loss]), lambda loss: (loss,), lambda loss: loss],
)
def test_backward_takes_what_it_took_before(
    tmp_path: Path, given: Callable[[torch.Tensor], Any]
) -> None:
    weight = parameter(1.0)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    run = lrwatch.watch(optimizer, dir=tmp_path)
    torch.autograd.backward(given((weight * 2).sum()))
    optimizer.step()
    assert losses(run) == [2.0]
    assert weight.item() == pytest.approx(0.8)


def test_a_gradient_edge_is_a_root_without_a_loss(tmp_path: Path) -> None:
    weight = parameter(1.0)
    run = lrwatch.watch(torch.optim.SGD([weight], lr=0.1), dir=tmp_path)
    edge = torch.autograd.graph.get_gradient_edge((weight * 2).sum())
    assert isinstance(edge, GradientEdge)
    torch.autograd.backward(edge, grad_tensors=torch.tensor(1.0))
    run.finish()
    assert weight.grad is not None
    assert weight.grad.item() == 2.0


@pytest.fixture
def failing_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(recorder, "learning_rates", fail)


@pytest.mark.usefixtures("failing_step")
def test_giving_up_in_a_hook_leaves_the_hooks_behind_it_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    weight = parameter(1.0)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    seen: list[str] = []
    run = lrwatch.watch(optimizer, dir=tmp_path)
    optimizer.register_step_pre_hook(lambda *_: seen.append("before"))
    optimizer.register_step_post_hook(lambda *_: seen.append("after"))
    for _ in range(2):
        optimizer.step()
    assert seen == ["before", "after"] * 2
    assert [record.getMessage() for record in caplog.records] == [
        "lrwatch stops recording; training goes on"
    ]
    assert len(lrwatch.read(run.path)) == 0
