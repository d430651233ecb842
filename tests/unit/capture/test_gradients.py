"""Gradient norms of a step, where the script clips."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn
from torch_models import global_norm

from lrwatch.capture.clipping import ByNorm
from lrwatch.capture.gradients import Gradients
from lrwatch.capture.groups import ParameterGroups
from lrwatch.capture.update import plain_sgd_update
from lrwatch.capture.values import StepValues
from lrwatch.records import NULL


def parameters(*sizes: int) -> list[nn.Parameter]:
    made = [nn.Parameter(torch.randn(size)) for size in sizes]
    for parameter in made:
        parameter.grad = torch.randn_like(parameter)
    return made


def clipped(optimizer: torch.optim.Optimizer, max_norm: float) -> StepValues:
    """Clip by the norm as a script does, and measure the step."""
    groups, gradients, values = ParameterGroups.of(optimizer, None), Gradients(), StepValues()
    all_of_them: list[Any] = list(groups.parameters)
    by_norm = ByNorm(torch.tensor(global_norm(p.grad for p in all_of_them)), max_norm)
    gradients.before_clipping(groups, all_of_them, by_norm)
    nn.utils.clip_grad_norm_(all_of_them, max_norm)
    gradients.measure(values, groups, optimizer)
    return values


def test_each_group_keeps_its_norm_before_clipping() -> None:
    body, head = parameters(5, 6), parameters(7)
    before = [global_norm(p.grad for p in group if p.grad is not None) for group in (body, head)]
    values = clipped(torch.optim.SGD([{"params": body}, {"params": head}], lr=0.1), 0.5)
    assert values.group_grad_norm == pytest.approx(before)
    assert values.grad_norm == pytest.approx(sum(norm**2 for norm in before) ** 0.5)
    assert values.grad_norm_clipped == pytest.approx(0.5, rel=1e-5)


def test_of_one_group_the_norms_follow_from_what_torch_computed() -> None:
    values = clipped(torch.optim.SGD(parameters(5, 6), lr=0.1), 0.5)
    assert values.grad_norm_clipped == pytest.approx(0.5, rel=1e-5)
    assert list(values.group_grad_norm) == []


def test_the_update_of_plain_sgd_follows_from_its_gradient() -> None:
    values, moved = stepped()
    assert values.update_norm == pytest.approx(moved)


@pytest.mark.parametrize("options", [{"weight_decay": 0.1}, {"momentum": 0.9}])
def test_of_sgd_that_is_not_plain_the_update_is_not_guessed(options: dict[str, float]) -> None:
    values, _ = stepped(**options)
    assert values.update_norm is NULL


def stepped(**options: Any) -> tuple[StepValues, float]:
    """Take a step; return what is filled in for it, and how long it was."""
    (weight,) = parameters(8)
    assert weight.grad is not None
    optimizer = torch.optim.SGD([weight], lr=0.5, **options)
    values = StepValues(lr=0.5, grad_norm_clipped=global_norm([weight.grad]))
    plain_sgd_update(values, optimizer)
    before = weight.detach().clone()
    optimizer.step()
    return values, global_norm([weight.detach() - before])
