"""Norms by layer, held against the truth computed beside them in a real loop."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import torch
from fake_device import pretend_to_be_elsewhere
from torch import nn
from torch_models import batch, global_norm

import lrwatch
from lrwatch.capture import sampled_update
from lrwatch.capture.layers import OTHERS, Layers
from lrwatch.errors import InvalidArgument

LAYERS = ("head", "body.0", "body.2")


class Net(nn.Module):
    """Two layers in a module and one beside it, which comes first."""

    def __init__(self, width: int = 16) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.head = nn.Linear(width, 3)
        self.body = nn.Sequential(nn.Linear(8, width), nn.Tanh(), nn.Linear(width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = self.head(self.body(x))
        return result


def modules(net: Net) -> dict[str, nn.Module]:
    return {"head": net.head, "body.0": net.body[0], "body.2": net.body[2]}


def train(
    net: Net,
    optimizer: torch.optim.Optimizer,
    n_steps: int,
    clip: Callable[[Net], object] = lambda net: None,
) -> pd.DataFrame:
    """Run a loop; return the true norms as `lrwatch.read` is to have them."""
    rows = []
    for step in range(n_steps):
        x, y = batch(step)
        optimizer.zero_grad()
        nn.functional.cross_entropy(net(x), y).backward()
        row = {}
        for name, module in modules(net).items():
            row[f"layer_grad_norm/{name}"] = global_norm(p.grad for p in module.parameters())
        clip(net)
        before = [p.detach().clone() for p in net.parameters()]
        optimizer.step()
        change = {p: p.detach() - b for p, b in zip(net.parameters(), before, strict=True)}
        for name, module in modules(net).items():
            moved = [change[p] for p in module.parameters()]
            row[f"layer_update_norm/{name}"] = global_norm(moved)
            row[f"layer_param_norm/{name}"] = global_norm(module.parameters())
        rows.append(row)
    return pd.DataFrame(rows)


def by_decay(net: Net) -> list[dict[str, Any]]:
    """Two groups, each with a part of every layer."""
    weights = [p for p in net.parameters() if p.dim() > 1]
    others = [p for p in net.parameters() if p.dim() == 1]
    return [{"params": weights, "weight_decay": 0.1}, {"params": others, "lr": 0.02}]


OPTIMIZERS: dict[str, Callable[[Net], torch.optim.Optimizer]] = {
    "sgd": lambda net: torch.optim.SGD(net.parameters(), lr=0.1),
    "momentum": lambda net: torch.optim.SGD(net.parameters(), lr=0.1, momentum=0.9),
    "momentum, groups": lambda net: torch.optim.SGD(by_decay(net), lr=0.1, momentum=0.9),
    "adam": lambda net: torch.optim.Adam(net.parameters(), lr=0.01),
    "adamw, groups": lambda net: torch.optim.AdamW(by_decay(net), lr=0.01),
}
CLIPS: dict[str, Callable[[Net], object]] = {
    "not": lambda net: None,
    "by norm": lambda net: nn.utils.clip_grad_norm_(net.parameters(), 0.1),
    "by value": lambda net: nn.utils.clip_grad_value_(net.parameters(), 0.01),
    "twice": lambda net: [nn.utils.clip_grad_norm_(net.parameters(), n) for n in (0.1, 0.05)],
}


@pytest.mark.parametrize("clip", CLIPS)
@pytest.mark.parametrize("kind", OPTIMIZERS)
def test_every_norm_is_the_true_one(tmp_path: Path, kind: str, clip: str) -> None:
    net = Net()
    optimizer = OPTIMIZERS[kind](net)
    run = lrwatch.watch(optimizer, dir=tmp_path, model=net, layers=True, alerts=False)
    truth = train(net, optimizer, 12, CLIPS[clip])
    run.finish()
    frame = lrwatch.read(run.path)
    for name in truth:
        assert frame[name].tolist() == pytest.approx(truth[name].tolist(), rel=1e-4), name
    for kind_of_norm in ("grad_norm", "update_norm", "param_norm"):
        by_layer = frame[[f"layer_{kind_of_norm}/{name}" for name in LAYERS]]
        whole = by_layer.pow(2).sum(axis=1).pow(0.5)
        assert whole.tolist() == pytest.approx(frame[kind_of_norm].tolist(), rel=1e-4)


def test_on_a_device_they_arrive_like_all_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pretend_to_be_elsewhere(monkeypatch)
    monkeypatch.setattr("lrwatch.capture.groups.tensor_norms", lambda ts: [t.norm() for t in ts])
    net = Net()
    optimizer = OPTIMIZERS["momentum, groups"](net)
    run = lrwatch.watch(optimizer, dir=tmp_path, model=net, layers=True, alerts=False)
    truth = train(net, optimizer, 3)
    run.finish()
    frame = lrwatch.read(run.path)
    for name in truth:
        assert frame[name].tolist() == pytest.approx(truth[name].tolist(), rel=1e-4), name


def test_of_large_layers_updates_are_estimated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampled_update, "_LEAST", 1 << 12)
    monkeypatch.setattr(sampled_update, "_WHOLE", 512)
    net = Net(256)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    run = lrwatch.watch(optimizer, dir=tmp_path, model=net, layers=True, alerts=False)
    truth = train(net, optimizer, 5)
    run.finish()
    frame = lrwatch.read(run.path)
    for name in truth:
        tolerance = 0.15 if "update" in str(name) else 1e-4
        assert frame[name].tolist() == pytest.approx(truth[name].tolist(), rel=tolerance), name


@pytest.mark.slow
def test_they_are_measured_on_the_sampled_steps_alone(tmp_path: Path) -> None:
    net = Net()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    run = lrwatch.watch(optimizer, dir=tmp_path, model=net, layers=True, alerts=False)
    train(net, optimizer, 60, CLIPS["by norm"])
    run.finish()
    frame = lrwatch.read(run.path)
    for kind in ("grad", "update", "param"):
        column = frame[f"layer_{kind}_norm/head"]
        assert column.notna().tolist() == frame["update_norm"].notna().tolist()
    assert frame["grad_norm"].notna().all()


def test_a_layer_whose_gradient_is_not_finite_can_be_named(tmp_path: Path) -> None:
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    run = lrwatch.watch(optimizer, dir=tmp_path, model=net, layers=True, alerts=False)

    def break_and_clip(net: Net) -> None:
        broken = net.get_parameter("body.0.weight").grad
        assert broken is not None
        broken[0, 0] = math.inf
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)

    train(net, optimizer, 1, break_and_clip)
    run.finish()
    (row,) = lrwatch.read(run.path).to_dict("records")
    assert [math.isinf(row[f"layer_grad_norm/{name}"]) for name in LAYERS] == [False, True, False]


def test_a_frozen_layer_has_a_size_and_no_gradient(tmp_path: Path) -> None:
    net = Net()
    net.body[0].requires_grad_(False)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    run = lrwatch.watch(optimizer, dir=tmp_path, model=net, layers=True, alerts=False)
    train(net, optimizer, 3)
    run.finish()
    frame = lrwatch.read(run.path)
    assert frame["layer_param_norm/body.0"].notna().all()
    assert "layer_grad_norm/body.0" not in list(frame)
    assert "layer_update_norm/body.0" not in frame.columns


def test_without_being_asked_for_there_are_none(tmp_path: Path) -> None:
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    run = lrwatch.watch(optimizer, dir=tmp_path, model=net, alerts=False)
    train(net, optimizer, 2)
    run.finish()
    assert not [name for name in lrwatch.read(run.path).columns if "layer" in name]


@pytest.mark.parametrize("layers", [0, -1, 2.5, "all"])
def test_a_bound_is_a_whole_number(tmp_path: Path, layers: Any) -> None:
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with pytest.raises(InvalidArgument, match="layers"):
        lrwatch.watch(optimizer, dir=tmp_path, model=net, layers=layers)


def test_the_model_is_needed(tmp_path: Path) -> None:
    optimizer = torch.optim.SGD(Net().parameters(), lr=0.1)
    with pytest.raises(InvalidArgument, match="give model="):
        lrwatch.watch(optimizer, dir=tmp_path, layers=True)


class Transformer(nn.Module):
    """The names of one: two levels above and two within each of its blocks."""

    def __init__(self, n_blocks: int) -> None:
        super().__init__()
        self.token = nn.Parameter(torch.zeros(2))
        parts = [{"attention": nn.Linear(1, 1), "mlp": nn.Linear(1, 2)} for _ in range(n_blocks)]
        self.h = nn.ModuleList(map(nn.ModuleDict, parts))
        self.out = nn.Linear(1, 1)


def names(model: nn.Module, most: int, parameters: Any = None) -> tuple[str, ...]:
    return Layers.of(list(parameters or model.parameters()), model, most).names


def test_where_there_are_too_many_larger_modules_stand_for_them() -> None:
    net = Transformer(3)
    fine = ("token", *(f"h.{i}.{part}" for i in range(3) for part in ("attention", "mlp")), "out")
    assert names(net, 8) == fine
    assert names(net, 7) == ("token", "h.0", "h.1", "h.2", "out")
    assert names(net, 4) == ("token", "h", "out")
    assert names(net, 2) == ("h", OTHERS)
    assert names(net, 1) == (OTHERS,)


def test_wrappers_do_not_show_and_other_parameters_are_together() -> None:
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    wrapped = nn.ModuleDict({"module": nn.ModuleDict({"_orig_mod": net})})
    own = nn.Parameter(torch.zeros(1))
    assert names(wrapped, 64) == ("0", "1")
    assert names(net, 64, [own, *reversed(list(net.parameters()))]) == ("0", "1", OTHERS)
    assert Layers.of([own], None, 64).names == (OTHERS,)
