"""The device path, on a CPU: a fake device whose copies arrive when the test says so."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
import torch
from torch_models import small_net, train

import lrwatch
from lrwatch.capture import device_queue
from lrwatch.capture.device_queue import DeviceQueue
from lrwatch.capture.groups import ParameterGroups
from lrwatch.capture.values import StepValues


class FakeDevice:
    """Copies to the host that are there only once the device has come so far."""

    def __init__(self) -> None:
        self.n_begun = 0
        self.n_done = 0
        self.n_waits = 0

    def begin_copy(self, values: torch.Tensor) -> Any:
        self.n_begun += 1
        return FakeArrival(self, self.n_begun, values.clone())


class FakeArrival:
    def __init__(self, device: FakeDevice, number: int, values: torch.Tensor) -> None:
        self.device, self.number, self.values = device, number, values

    def is_there(self) -> bool:
        return self.number <= self.device.n_done

    def numbers(self) -> list[float]:
        self.device.n_waits += not self.is_there()
        return list(self.values.tolist())


def _pretend_to_be_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    of = ParameterGroups.of.__func__  # type: ignore[attr-defined]

    def elsewhere(cls: type[ParameterGroups], *arguments: Any) -> ParameterGroups:
        groups: ParameterGroups = of(cls, *arguments)
        return dataclasses.replace(groups, is_on_host=False)

    monkeypatch.setattr(ParameterGroups, "of", classmethod(elsewhere))


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> FakeDevice:
    """Have every parameter look as if it were on a device."""
    fake = FakeDevice()
    _pretend_to_be_elsewhere(monkeypatch)
    monkeypatch.setattr(device_queue.DeviceQueue.__init__, "__defaults__", (fake.begin_copy,))
    return fake


def step(number: float) -> StepValues:
    return StepValues(loss=torch.tensor(number), lr=0.1)


class TestDeviceQueue:
    def test_steps_are_handed_on_in_order_as_they_arrive(self) -> None:
        device, done = FakeDevice(), list[StepValues]()
        queue = DeviceQueue(done.append, device.begin_copy)
        for i in range(4):
            queue.push(step(float(i)))
        assert done == []
        device.n_done = 2
        queue.hand_on_arrived()
        assert [values.loss for values in done] == [0.0, 1.0]
        assert device.n_waits == 0
        queue.drain()
        assert [values.loss for values in done] == [0.0, 1.0, 2.0, 3.0]

    def test_numbers_on_the_host_wait_their_turn(self) -> None:
        device, done = FakeDevice(), list[StepValues]()
        queue = DeviceQueue(done.append, device.begin_copy)
        queue.push(StepValues(loss=0.0))
        assert len(done) == 1
        queue.push(step(1.0))
        queue.push(StepValues(loss=2.0))
        assert len(done) == 1
        device.n_done = 1
        queue.hand_on_arrived()
        assert [values.loss for values in done] == [0.0, 1.0, 2.0]

    def test_a_device_far_behind_is_waited_for_before_memory_grows(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(device_queue, "_LONGEST", 3)
        device, done = FakeDevice(), list[StepValues]()
        queue = DeviceQueue(done.append, device.begin_copy)
        for i in range(10):
            queue.push(step(float(i)))
        assert [values.loss for values in done] == [float(i) for i in range(7)]
        assert device.n_waits == 7


def test_recording_never_waits_for_the_device(device: FakeDevice, tmp_path: Path) -> None:
    net = small_net()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    run = lrwatch.watch(optimizer, dir=tmp_path)

    def advance(number: int) -> None:
        device.n_done = device.n_begun - 3

    losses = train(net, optimizer, 30, after_step=advance)
    assert device.n_waits == 0
    assert 20 < len(lrwatch.read(run.path)) < 30
    run.finish()
    frame = lrwatch.read(run.path)
    assert frame["loss"].tolist() == pytest.approx(losses)
    assert frame["grad_norm"].notna().all()
    assert frame["step"].tolist() == list(range(30))


def test_what_is_logged_finds_its_step_while_that_is_under_way(
    device: FakeDevice, tmp_path: Path
) -> None:
    net = small_net()
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    run = lrwatch.watch(optimizer, dir=tmp_path)

    def log(number: int) -> None:
        device.n_done = device.n_begun - 2
        run.log(accuracy=number / 10)

    train(net, optimizer, 8, after_step=log)
    run.finish()
    assert lrwatch.read(run.path)["accuracy"].tolist() == [i / 10 for i in range(8)]
