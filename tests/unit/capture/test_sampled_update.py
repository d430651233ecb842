"""Update norms without a copy of the parameters: how far off, how large, and if memory ends."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch_models import batch, global_norm, small_net, train

import lrwatch
from lrwatch.capture import sampled_update, update
from lrwatch.capture.groups import ParameterGroups
from lrwatch.capture.sampled_update import SampledElements, UpdateBySample
from lrwatch.capture.update import Updates
from lrwatch.capture.values import StepValues

Make = Callable[[Any], torch.optim.Optimizer]

EVEN: dict[str, Make] = {
    "adam": lambda p: torch.optim.Adam(p, lr=1e-3),
    "adamw": lambda p: torch.optim.AdamW(p, lr=1e-3),
    "adamax": lambda p: torch.optim.Adamax(p, lr=1e-3),
    "nadam": lambda p: torch.optim.NAdam(p, lr=1e-3),
}


class Words(nn.Module):
    """Predicts a word from the one before: an embedding, of which a step sees few rows."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(3000, 64)
        self.body = nn.Sequential(nn.Linear(64, 96), nn.Tanh(), nn.Linear(96, 64))
        self.head = nn.Linear(64, 3000)
        self.often = 1 / torch.arange(1, 3001)

    def loss(self) -> torch.Tensor:
        words = torch.multinomial(self.often, 128, replacement=True)
        found = self.head(self.body(self.embedding(words[:64])))
        return nn.functional.cross_entropy(found, words[64:])


def groups_of(optimizer: torch.optim.Optimizer) -> ParameterGroups:
    return ParameterGroups.of(optimizer, None)


@pytest.fixture
def little(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take as small a share of small nets as of large ones."""
    monkeypatch.setattr(sampled_update, "_LEAST", 1 << 15)
    monkeypatch.setattr(sampled_update, "_WHOLE", 100)


@pytest.mark.slow
@pytest.mark.usefixtures("little")
@pytest.mark.parametrize("kind", EVEN)
def test_it_is_less_than_two_percent_off(kind: str) -> None:
    net = Words()
    optimizer = EVEN[kind](net.parameters())
    updates = Updates(groups_of(optimizer))
    for _ in range(15):
        optimizer.zero_grad()
        net.loss().backward()
        before = [p.detach().clone() for p in net.parameters()]
        measured, values = updates.begin(optimizer), StepValues()
        assert isinstance(measured, UpdateBySample)
        optimizer.step()
        updates.measure(measured, values)
        change = [p.detach() - b for p, b in zip(net.parameters(), before, strict=True)]
        assert values.update_norm == pytest.approx(global_norm(change), rel=0.02)
        assert values.param_norm == pytest.approx(global_norm(net.parameters()), rel=1e-5)


def test_over_all_starts_the_square_is_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled_update, "_LEAST", 1000)
    torch.manual_seed(0)
    weight = nn.Parameter(torch.zeros(16 * 7 * 9, 7))  # as many runs at each start
    weight.grad = torch.ones_like(weight)
    optimizer = torch.optim.AdamW([weight])
    groups = groups_of(optimizer)
    elements = SampledElements(groups)
    elements._distance = 7
    change = torch.randn_like(weight) * torch.arange(len(weight))[:, None]
    squares = []
    for start in range(7):
        monkeypatch.setattr(elements._random, "randrange", lambda _, start=start: start)
        measured, values = UpdateBySample(groups, elements, groups.ids), StepValues()
        with torch.no_grad():
            weight.add_(change)
        measured.measure(values)
        assert isinstance(values.update_norm, float)
        squares.append(values.update_norm**2)
    assert sum(squares) / 7 == pytest.approx(global_norm([change]) ** 2, rel=1e-4)


@pytest.mark.parametrize("shape", [(5_000_000,), (20_000, 333), (128, 260, 9, 9), (4, 3_000_001)])
def test_the_sample_is_small_for_any_shape(shape: tuple[int, ...]) -> None:
    weight = nn.Parameter(torch.zeros(shape))
    if len(shape) == 4:
        weight.data = weight.data.to(memory_format=torch.channels_last)
    weight.grad = weight.detach()
    elements = SampledElements(groups_of(torch.optim.AdamW([weight])))
    (view,) = elements.draw([weight])
    assert view.numel() <= max(1 << 17, weight.numel() // 256) * 1.01 + 16
    assert view.data_ptr() >= weight.data_ptr()


def test_the_draws_cover_a_tensor_and_none_is_a_divisor_of_a_width() -> None:
    weight = nn.Parameter(torch.arange(2_000_000.0))
    weight.grad = weight.detach()
    elements = SampledElements(groups_of(torch.optim.AdamW([weight])))
    starts = {int(elements.draw([weight])[0][0, 0]) for _ in range(200)}
    assert len(starts) > 10
    assert all(elements._distance % k for k in range(2, elements._distance))


def test_small_nets_and_other_optimizers_are_compared_whole() -> None:
    small, large = nn.Parameter(torch.zeros(100)), nn.Parameter(torch.zeros(1_000_000))
    for weight, kind in [(small, torch.optim.AdamW), (large, torch.optim.RAdam)]:
        weight.grad = torch.ones_like(weight)
        optimizer = kind([weight])
        assert not isinstance(Updates(groups_of(optimizer)).begin(optimizer), UpdateBySample)


def test_channels_last_and_odd_layouts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampled_update, "_LEAST", 10)
    image = nn.Parameter(torch.randn(8, 9, 5, 5).to(memory_format=torch.channels_last))
    turned = nn.Parameter(torch.randn(80, 70).t())
    scalar, empty = nn.Parameter(torch.tensor(2.0)), nn.Parameter(torch.zeros(0))
    parameters = [image, turned, scalar, empty]
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
    optimizer = torch.optim.AdamW(parameters)
    groups = groups_of(optimizer)
    measured = UpdateBySample(groups, SampledElements(groups), groups.ids)
    with torch.no_grad():
        for parameter in parameters:
            parameter.add_(3.0)
    values = StepValues()
    measured.measure(values)
    n = sum(parameter.numel() for parameter in parameters)
    assert values.update_norm == pytest.approx(3.0 * n**0.5, rel=1e-5)


def out_of_memory(*_: object) -> None:
    raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 28.00 GiB.")


def test_a_copy_that_finds_no_memory_is_a_missing_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(update._UpdateByTensor, "__init__", out_of_memory)
    net = small_net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    run = lrwatch.watch(optimizer, dir=tmp_path, alerts=None)
    losses = train(net, optimizer, 18)
    run.finish()
    frame = lrwatch.read(run.path)
    assert frame["loss"].tolist() == losses
    assert frame["grad_norm"].notna().all()
    assert frame["update_norm"].isna().all()
    told = [r for r in caplog.records if r.levelno >= logging.WARNING]
    assert len(told) == 1


@pytest.mark.usefixtures("little")
def test_where_a_copy_finds_no_memory_a_sample_takes_its_place(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(update._UpdateByTensor, "__init__", out_of_memory)
    net = Words()
    optimizer = torch.optim.RMSprop(net.parameters())
    net.loss().backward()
    assert isinstance(Updates(groups_of(optimizer)).begin(optimizer), UpdateBySample)


def test_no_memory_after_the_step_is_a_missing_number_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(update._UpdateByTensor, "measure", out_of_memory)
    net = small_net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    run = lrwatch.watch(optimizer, dir=tmp_path, alerts=None)
    train(net, optimizer, 5)
    run.finish()
    assert len(lrwatch.read(run.path)) == 5


def test_another_error_is_not_taken_for_a_lack_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("size mismatch")

    monkeypatch.setattr(update._UpdateByTensor, "__init__", broken)
    optimizer = torch.optim.AdamW(small_net().parameters())
    with pytest.raises(RuntimeError, match="size mismatch"):
        Updates(groups_of(optimizer)).begin(optimizer)


def test_momentum_has_its_update_without_a_copy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update._UpdateByTensor, "__init__", out_of_memory)
    net = small_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, weight_decay=0.01)
    updates = Updates(groups_of(optimizer))
    for _ in range(4):
        before = [p.detach().clone() for p in net.parameters()]
        nn.functional.cross_entropy(net(batch()[0]), batch()[1]).backward()
        measured, values = updates.begin(optimizer), StepValues(lr=0.1)
        assert measured is not None
        optimizer.step()
        updates.measure(measured, values)
        change = [p.detach() - b for p, b in zip(net.parameters(), before, strict=True)]
        assert values.update_norm == pytest.approx(global_norm(change), rel=1e-5)


def test_a_fused_step_that_an_overflow_skips_moves_nothing(tmp_path: Path) -> None:
    net = small_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9, fused=True)
    run = lrwatch.watch(optimizer, dir=tmp_path, alerts=None)
    for is_infinite in (0.0, 1.0, 0.0):  # torch leaves a buffer unset if the first one is
        optimizer.found_inf = torch.tensor(is_infinite)  # type: ignore[attr-defined]
        train(net, optimizer, 1)
    run.finish()
    frame = lrwatch.read(run.path)
    assert frame["skipped"].tolist() == [False, True, False]
    assert (frame["update_norm"] > 0).tolist() == [True, False, True]
