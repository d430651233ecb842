"""A step that is captured into a CUDA graph, on a CPU where capturing is pretended."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from fake_device import pretend_to_be_elsewhere
from torch_models import small_net, train

import lrwatch
from lrwatch.capture import recorder
from lrwatch.capture.graph_capture import is_captured


def test_without_a_device_nothing_is_captured() -> None:
    assert not is_captured()


def test_a_captured_step_is_left_alone_and_this_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    pretend_to_be_elsewhere(monkeypatch)
    capturing = [False]
    monkeypatch.setattr(recorder, "is_captured", lambda: capturing[0])
    net = small_net()
    optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
    run = lrwatch.watch(optimizer, dir=tmp_path)

    def clip(_: int) -> None:
        torch.nn.utils.clip_grad_norm_(net.parameters(), 0.1)
        run.log(captured=float(capturing[0]))

    losses = train(net, optimizer, 3, before_step=clip)
    capturing[0] = True
    train(net, optimizer, 4, before_step=clip)
    capturing[0] = False
    losses += train(net, optimizer, 2, before_step=clip)
    run.finish()
    frame = lrwatch.read(run.path)
    assert frame["loss"].tolist() == pytest.approx(losses)
    assert frame["captured"].tolist() == [0.0] * 5
    told = [r.getMessage() for r in caplog.records if "CUDA graph" in r.getMessage()]
    assert len(told) == 1
