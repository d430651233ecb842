"""Mixed precision: what is recorded is unscaled, and skipped steps are told."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn.utils import clip_grad_norm_
from torch_models import batch, global_norm, small_net

import lrwatch

SCALE = 1024.0


class Truth:
    """What a loop with a gradient scaler really did, step by step."""

    def __init__(self) -> None:
        self.loss: list[float] = []
        self.grad_norm: list[float] = []
        self.skipped: list[bool] = []


def loop(
    net: nn.Module, optimizer: torch.optim.Optimizer, *, clip: float | None, overflow_at: int
) -> Truth:
    scaler = torch.amp.GradScaler("cpu", init_scale=SCALE, growth_interval=1000)
    truth = Truth()
    for step in range(8):
        x, y = batch(step)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        scaler.scale(loss).backward()
        if step == overflow_at:
            next(net.parameters()).grad[0] = math.inf  # type: ignore[index]
        truth.loss.append(loss.item())
        truth.grad_norm.append(global_norm(p.grad for p in net.parameters()) / scaler.get_scale())
        if clip is not None:
            scaler.unscale_(optimizer)
            clip_grad_norm_(net.parameters(), clip)
        scaler.step(optimizer)
        scaler.update()
        truth.skipped.append(step == overflow_at)
    return truth


def check(frame: pd.DataFrame, truth: Truth) -> None:
    assert frame["skipped"].tolist() == truth.skipped
    assert frame["loss"].tolist() == pytest.approx(truth.loss)
    made = ~frame["skipped"]
    expected = [n for n, skipped in zip(truth.grad_norm, truth.skipped, strict=True) if not skipped]
    assert frame["grad_norm"][made].tolist() == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("clip", [None, 0.05])
@pytest.mark.parametrize("fused", [False, True])
def test_losses_and_norms_are_unscaled_and_overflows_are_told(
    tmp_path: Path, fused: bool, clip: float | None
) -> None:
    net = small_net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01, fused=fused)
    with lrwatch.watch(optimizer, dir=tmp_path, update_norm_every=1) as run:
        truth = loop(net, optimizer, clip=clip, overflow_at=4)
    frame = lrwatch.read(run.path)
    check(frame, truth)
    assert frame["update_norm"][4] == 0.0
    if clip is not None:
        assert (frame["grad_norm_clipped"][~frame["skipped"]] <= clip * 1.001).all()


@pytest.mark.parametrize("n_groups", [1, 2])
def test_clipping_of_scaled_gradients_shows(tmp_path: Path, n_groups: int) -> None:
    """A common mistake: all gradients are clipped to a thousandth of what is meant."""
    net = small_net()
    layers = [{"params": layer.parameters()} for layer in net if list(layer.parameters())]
    groups = layers if n_groups == 2 else [{"params": net.parameters()}]
    optimizer = torch.optim.SGD(groups, lr=0.1)
    scaler = torch.amp.GradScaler("cpu", init_scale=SCALE)
    true = []
    with lrwatch.watch(optimizer, dir=tmp_path) as run:
        for k in range(4):
            optimizer.zero_grad()
            x, y = batch(k)
            scaler.scale(nn.functional.cross_entropy(net(x), y)).backward()
            true.append(global_norm(p.grad for p in net.parameters()) / SCALE)
            clip_grad_norm_(net.parameters(), 0.5)
            scaler.step(optimizer)
            scaler.update()
    frame = lrwatch.read(run.path)
    assert frame["grad_norm"].tolist() == pytest.approx(true, rel=1e-4)
    assert frame["grad_norm_clipped"].tolist() == pytest.approx([0.5 / SCALE] * 4, rel=1e-4)


def test_a_scaler_that_is_off_changes_nothing(tmp_path: Path) -> None:
    net = small_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    scaler = torch.amp.GradScaler("cpu", enabled=False)
    with lrwatch.watch(optimizer, dir=tmp_path) as run:
        loss = net(batch()[0]).square().mean()
        scaler.scale(loss).backward()
        scaler.step(optimizer)
        scaler.update()
    frame = lrwatch.read(run.path)
    assert frame["loss"].tolist() == [loss.item()]
    assert frame["skipped"].tolist() == [False]


def test_the_scaler_is_left_as_it_was(tmp_path: Path) -> None:
    names = ("scale", "unscale_", "step")
    before = [getattr(torch.amp.GradScaler, name) for name in names]
    optimizer = torch.optim.SGD(small_net().parameters(), lr=0.1)
    with lrwatch.watch(optimizer, dir=tmp_path):
        assert torch.amp.GradScaler.scale is not before[0]
    assert [getattr(torch.amp.GradScaler, name) for name in names] == before
