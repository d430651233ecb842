from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch_models import global_norm

from lrwatch.capture import host_update
from lrwatch.capture.groups import ParameterGroups
from lrwatch.capture.update import Update, Updates
from lrwatch.capture.values import StepValues


@pytest.fixture(params=["by tensor", "packed"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Have tests run both ways, and blocks so small that tensors are packed and cut up."""
    monkeypatch.setattr(host_update, "_FEW", 0 if request.param == "packed" else 1 << 60)
    monkeypatch.setattr(host_update, "_BLOCK", 50)
    return str(request.param)


def parameter(*shape: int, dtype: torch.dtype = torch.float32) -> nn.Parameter:
    made = nn.Parameter(torch.randn(shape, dtype=dtype))
    made.grad = torch.randn_like(made)
    return made


def true_norm(*groups: Iterable[Tensor]) -> float:
    tensors = [t.detach() for group in groups for t in group]
    return global_norm(torch.view_as_real(t) if t.is_complex() else t for t in tensors)


def begun(updates: Updates, optimizer: torch.optim.Optimizer) -> Update:
    update = updates.begin(optimizer)
    assert update is not None
    return update


def step(optimizer: torch.optim.Optimizer) -> tuple[StepValues, list[list[Tensor]]]:
    """Measure a step; returns what was found, and the true changes by group."""
    parameters = [group["params"] for group in optimizer.param_groups]
    before = [[p.detach().clone() for p in group] for group in parameters]
    values = StepValues(lr=optimizer.param_groups[0]["lr"])
    if len(parameters) > 1:
        values.group_lr = [group["lr"] for group in optimizer.param_groups]
    update = begun(Updates(ParameterGroups.of(optimizer, None)), optimizer)
    optimizer.step()
    update.measure(values)
    return values, [
        [p.detach() - old for p, old in zip(group, olds, strict=True)]
        for group, olds in zip(parameters, before, strict=True)
    ]


def check(optimizer: torch.optim.Optimizer, tolerance: float = 1e-5) -> StepValues:
    values, changes = step(optimizer)
    groups = [group["params"] for group in optimizer.param_groups]
    assert values.update_norm == pytest.approx(true_norm(*changes), rel=tolerance)
    assert values.param_norm == pytest.approx(true_norm(*groups), rel=tolerance)
    if len(groups) > 1:
        assert values.group_update_norm == pytest.approx(
            [true_norm(group) for group in changes], rel=tolerance
        )
        assert values.group_param_norm == pytest.approx(
            [true_norm(group) for group in groups], rel=tolerance
        )
    return values


def test_small_large_and_empty_tensors(way: str) -> None:
    shapes = [(3, 4), (7,), (), (20, 31), (0,), (50,), (1,), (51,)]
    assert check(torch.optim.AdamW([parameter(*shape) for shape in shapes])).update_norm != 0.0


@pytest.mark.parametrize("options", [{}, {"nesterov": True}, {"weight_decay": 0.1}])
def test_groups_with_a_large_tensor_between_small_ones(way: str, options: dict[str, Any]) -> None:
    groups: list[dict[str, Any]] = [
        {"params": [parameter(5), parameter(200), parameter(6)], "lr": 0.1},
        {"params": [parameter(4), parameter(3)], "lr": 0.01},
    ]
    optimizer = torch.optim.SGD(groups, momentum=0.9, **options)
    check(optimizer)
    check(optimizer)


def test_tensors_of_several_types(way: str) -> None:
    types = [torch.float64, torch.float32, torch.float64, torch.bfloat16, torch.complex64]
    check(torch.optim.SGD([parameter(9, dtype=t) for t in types], lr=0.5), tolerance=5e-3)


def test_tensors_that_are_not_contiguous(way: str) -> None:
    image = nn.Parameter(torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last))
    image.grad = torch.randn_like(image)
    turned = nn.Parameter(torch.randn(8, 3).t())
    turned.grad = torch.randn(3, 8)
    check(torch.optim.SGD([image, turned], lr=0.1))


def test_parameters_without_a_gradient_count_only_for_the_parameter_norm(way: str) -> None:
    frozen = [nn.Parameter(torch.randn(300)), nn.Parameter(torch.randn(4))]
    check(torch.optim.SGD([frozen[0], parameter(5), frozen[1]], lr=0.1))
    values, _ = step(torch.optim.SGD(frozen, lr=0.1))
    assert values.update_norm == 0.0
    assert values.param_norm == pytest.approx(global_norm(frozen), rel=1e-5)


def test_parameters_that_a_later_step_replaces(way: str) -> None:
    weight = parameter(30)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    updates, values = Updates(ParameterGroups.of(optimizer, None)), StepValues()
    weight.data = torch.full((30,), 2.0)
    update = begun(updates, optimizer)
    weight.data = torch.full((30,), 3.0)
    update.measure(values)
    assert values.update_norm == pytest.approx(30**0.5)
    assert values.param_norm == pytest.approx(3 * 30**0.5)


def test_a_nan_and_an_overflow_stay_visible(way: str) -> None:
    bad, huge = parameter(60), parameter(60)
    bad.grad = torch.full((60,), float("nan"))
    huge.data = torch.full((60,), 1e30)
    nan, _ = step(torch.optim.SGD([bad], lr=0.1))
    assert nan.update_norm != nan.update_norm  # only NaN differs from itself
    beyond, _ = step(torch.optim.SGD([huge], lr=0.1))
    assert beyond.param_norm == pytest.approx(1e30 * 60**0.5)


def test_few_parameters_and_those_of_other_kinds_go_by_tensor() -> None:
    class Special(nn.Parameter):
        pass

    few = torch.optim.SGD([parameter(10)], lr=0.1)
    many = torch.optim.SGD([parameter(1 << 20)], lr=0.1)
    special = torch.optim.SGD([Special(torch.zeros(1 << 20))], lr=0.1)
    packed = [
        host_update.pack(ParameterGroups.of(o, None)) is not None for o in (few, many, special)
    ]
    assert packed == [False, True, False]


def test_a_part_of_a_model_that_gets_another_type(way: str) -> None:
    parameters = [parameter(9), parameter(200), parameter(6)]
    optimizer = torch.optim.SGD(parameters, lr=0.5)
    updates = Updates(ParameterGroups.of(optimizer, None))
    for changed, dtype in [(2, torch.float64), (1, torch.bfloat16)]:
        parameters[changed].grad = None
        parameters[changed].data = parameters[changed].data.to(dtype)
        before = [p.detach().clone() for p in parameters]
        update, values = begun(updates, optimizer), StepValues()
        optimizer.step()
        update.measure(values)
        changes = [p.detach() - old for p, old in zip(parameters, before, strict=True)]
        assert values.update_norm == pytest.approx(true_norm(changes), rel=5e-3)
        assert values.param_norm == pytest.approx(true_norm(parameters), rel=5e-3)


def test_only_parameters_with_a_gradient_count_as_updated(way: str) -> None:
    parameters = [parameter(5), parameter(6), parameter(7)]
    parameters[1].grad = None
    optimizer, values = torch.optim.SGD(parameters, lr=1.0), StepValues()
    update = begun(Updates(ParameterGroups.of(optimizer, None)), optimizer)
    with torch.no_grad():
        parameters[0].add_(1.0)
        parameters[1].add_(1.0)
    update.measure(values)
    assert values.update_norm == pytest.approx(5**0.5)
    assert values.param_norm == pytest.approx(true_norm(parameters))
