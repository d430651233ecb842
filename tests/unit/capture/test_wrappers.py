"""The optimizer that steps is found within what frameworks put around it."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch
from torch_models import small_net, train

import lrwatch
from lrwatch.capture.wrappers import unwrapped
from lrwatch.errors import NotAnOptimizer


class Wrapper:
    def __init__(self, optimizer: Any) -> None:
        self.optimizer = optimizer


def adam(net: torch.nn.Module) -> torch.optim.Optimizer:
    return torch.optim.Adam(net.parameters())


def test_wrappers_around_wrappers_are_looked_through() -> None:
    optimizer = adam(small_net())
    assert unwrapped(optimizer) is optimizer
    assert unwrapped(Wrapper(Wrapper(optimizer))) is optimizer


def test_a_wrapper_that_holds_itself_ends() -> None:
    odd = Wrapper(None)
    odd.optimizer = odd
    with pytest.raises(NotAnOptimizer, match="Wrapper"):
        lrwatch.watch(odd)  # type: ignore[call-overload]


def test_an_optimizer_that_holds_another_one_is_itself_the_one_that_steps() -> None:
    outer = adam(small_net())
    outer.optimizer = adam(small_net())  # type: ignore[attr-defined]
    assert unwrapped(outer) is outer


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("accelerate") is None, reason="accelerate is not installed"
)
@pytest.mark.filterwarnings("ignore")  # theirs
def test_an_optimizer_that_accelerate_prepared_is_watched(tmp_path: Path) -> None:
    from accelerate import Accelerator

    net = small_net()
    optimizer = Accelerator(cpu=True).prepare(adam(net))
    with lrwatch.watch(optimizer, dir=tmp_path, name="prepared"):
        losses = train(net, optimizer, 3)
    assert lrwatch.read(tmp_path / "prepared")["loss"].tolist() == losses
