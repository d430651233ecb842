"""The rate that was really used, of optimizers that keep one of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from torch_models import small_net, train

import lrwatch
from lrwatch.capture import effective_rates


class Scheduled(torch.optim.SGD):
    """As schedule-free optimizers do: the group's rate stays, another one warms up."""

    def step(self, closure: Any = None) -> Any:
        group = self.param_groups[0]
        group["k"] = group.get("k", 0) + 1
        nominal = group["lr"]
        group["scheduled_lr"] = group["lr"] = nominal * min(1.0, group["k"] / 4)
        super().step(closure)
        group["lr"] = nominal


class Adapted(torch.optim.SGD):
    """As Prodigy and D-Adaptation do: a distance that grows, times the rate."""

    def step(self, closure: Any = None) -> Any:
        group = self.param_groups[0]
        group["d0"] = 1e-3
        group["d"] = group.get("d", 1e-3) * 2
        super().step(closure)


class Plain(torch.optim.SGD):
    """One that is not torch's own, which has no rate but the nominal one."""


def rates(optimizer: torch.optim.Optimizer, net: torch.nn.Module, folder: Path) -> list[float]:
    with lrwatch.watch(optimizer, dir=folder, alerts=None) as run:
        train(net, optimizer, 5)
    frame = lrwatch.read(run.path)
    assert frame["lr"].nunique() <= 1
    return frame["lr_effective"].tolist()


def test_of_a_schedule_of_its_own(tmp_path: Path) -> None:
    net = small_net()
    found = rates(Scheduled(net.parameters(), lr=0.4), net, tmp_path)
    assert found == pytest.approx([0.1, 0.2, 0.3, 0.4, 0.4])


def test_of_an_estimated_distance(tmp_path: Path) -> None:
    net = small_net()
    found = rates(Adapted(net.parameters(), lr=0.5), net, tmp_path)
    assert found == pytest.approx([0.5 * 1e-3 * 2**k for k in range(1, 6)])


@pytest.mark.slow
def test_of_adafactor_of_transformers(tmp_path: Path) -> None:
    optimization = pytest.importorskip("transformers.optimization")
    net = small_net()
    optimizer = optimization.Adafactor(net.parameters())
    seen: list[float] = []
    get_lr = optimizer._get_lr

    def noting(group: Any, state: Any) -> float:
        rate = float(get_lr(group, state))
        seen.append(rate)
        return rate

    optimizer._get_lr = noting
    found = rates(optimizer, net, tmp_path)
    n_parameters = len(list(net.parameters()))
    assert found == pytest.approx(seen[::n_parameters], rel=0.1)  # of its first parameter


def test_of_one_that_was_added_to_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    finders = [*effective_rates.FINDERS, lambda _optimizer, group: group["lr"] / 7]
    monkeypatch.setattr(effective_rates, "FINDERS", finders)
    net = small_net()
    found = rates(Plain(net.parameters(), lr=0.7), net, tmp_path)
    assert found == pytest.approx([0.1] * 5)


def test_others_have_no_such_column(tmp_path: Path) -> None:
    net = small_net()
    optimizer = torch.optim.AdamW(net.parameters())
    with lrwatch.watch(optimizer, dir=tmp_path, alerts=None) as run:
        train(net, optimizer, 3)
    assert "lr_effective" not in lrwatch.read(run.path)
