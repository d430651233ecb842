"""`torch.compile` of the model, of the optimizer's step and of the whole training step.

The compiler's front end is what hooks could disturb; the back end is the plain one, as
generating machine code would only add minutes.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch_models import batch, global_norm, small_net

import lrwatch

pytestmark = pytest.mark.e2e

Step = Callable[[int], torch.Tensor]

N_STEPS = 60
SETTLED = 25  # by then every path of a step was taken: sampled and not


@pytest.fixture(autouse=True)
def compiler() -> Iterator[None]:
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    yield
    torch._dynamo.reset()


def compiled(function: Any) -> Any:
    return torch.compile(function, backend="aot_eager")


def compiled_model(net: nn.Module, optimizer: torch.optim.Optimizer, norms: list[float]) -> Step:
    return plain(compiled(net), optimizer, norms)


def compiled_optimizer(
    net: nn.Module, optimizer: torch.optim.Optimizer, norms: list[float]
) -> Step:
    return plain(net, optimizer, norms, compiled(optimizer.step))


def compiled_all(net: nn.Module, optimizer: torch.optim.Optimizer, norms: list[float]) -> Step:
    def step(x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 0.3)
        optimizer.step()
        return loss

    whole = compiled(step)
    return lambda k: whole(*batch(k))


def plain(
    net: nn.Module,
    optimizer: torch.optim.Optimizer,
    norms: list[float],
    make_step: Callable[[], Any] | None = None,
) -> Step:
    def step(k: int) -> torch.Tensor:
        x, y = batch(k)
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(net(x), y)
        loss.backward()
        norms.append(global_norm(p.grad for p in net.parameters()))
        (make_step or optimizer.step)()
        return loss

    return step


@pytest.mark.parametrize("make", [compiled_model, compiled_optimizer, compiled_all])
@pytest.mark.filterwarnings("ignore")  # of the compiler, about its own affairs
def test_a_compiled_step_is_recorded_and_compiled_no_more_often(
    tmp_path: Path, make: Callable[..., Step], caplog: pytest.LogCaptureFixture
) -> None:
    graphs = {}
    for is_watched in (False, True):
        torch._dynamo.reset()
        torch._dynamo.utils.counters.clear()
        net = small_net()
        optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
        run = lrwatch.watch(optimizer, dir=tmp_path, name="compiled") if is_watched else None
        norms: list[float] = []
        step = make(net, optimizer, norms)
        losses = [step(k).item() for k in range(SETTLED)]
        settled = counters()
        losses += [step(k).item() for k in range(SETTLED, N_STEPS)]
        assert counters() == settled  # no graph, no break, no frame more
        graphs[is_watched] = settled["unique_graphs"]
        if run is not None:
            run.finish()
    assert graphs[True] <= graphs[False] + 1  # where the step is cut in two around clipping
    assert "lrwatch" not in caplog.text  # the compiler has nothing to say about us
    frame = lrwatch.read(tmp_path / "compiled")
    np.testing.assert_allclose(frame["loss"], losses, rtol=1e-6)
    assert frame["lr"].tolist() == [0.01] * N_STEPS
    if norms:
        np.testing.assert_allclose(frame["grad_norm"], norms, rtol=1e-5)
    else:
        assert (frame["grad_norm_clipped"] <= 0.3 + 1e-6).all()
        assert (frame["grad_norm"] > 0.3).any()
    assert frame["update_norm"].head(20).notna().all()


def counters() -> dict[str, int]:
    found = sys.modules["torch._dynamo.utils"].counters
    return {
        "unique_graphs": found["stats"]["unique_graphs"],
        "breaks": sum(found["graph_break"].values()),
        "frames": sum(found["frames"].values()),
    }
