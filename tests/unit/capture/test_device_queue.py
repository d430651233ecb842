"""The device path, on a CPU: a fake device whose copies arrive when the test says so."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
import torch
from fake_device import FakeDevice, pretend_to_be_elsewhere
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch_models import batch, small_net, train

import lrwatch
from lrwatch.capture import device_queue
from lrwatch.capture.device_queue import DeviceQueue
from lrwatch.capture.norms import total_norm
from lrwatch.capture.values import StepValues


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> FakeDevice:
    """Have every parameter look as if it were on a device."""
    fake = FakeDevice()
    pretend_to_be_elsewhere(monkeypatch)
    monkeypatch.setattr(device_queue.DeviceQueue.__init__, "__defaults__", (fake.begin_copy, 0.0))
    return fake


TARGET = torch.zeros(12, dtype=torch.long, device="meta")


def step(number: float) -> StepValues:
    return StepValues(loss=torch.tensor(number), lr=0.1)


class TestDeviceQueue:
    def test_steps_are_handed_on_in_order_as_they_arrive(self) -> None:
        device, done = FakeDevice(), list[StepValues]()
        queue = DeviceQueue(done.append, device.begin_copy, 0.0)
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
        queue = DeviceQueue(done.append, device.begin_copy, 0.0)
        queue.push(StepValues(loss=0.0))
        assert len(done) == 1
        queue.push(step(1.0))
        queue.push(StepValues(loss=2.0))
        assert len(done) == 1
        device.n_done = 1
        queue.hand_on_arrived()
        assert [values.loss for values in done] == [0.0, 1.0, 2.0]

    def test_steps_of_a_moment_travel_together(self) -> None:
        device, done = FakeDevice(), list[StepValues]()
        queue = DeviceQueue(done.append, device.begin_copy, 3600.0)
        for i in range(5):
            queue.push(step(float(i)))
        assert device.n_begun == 0
        queue.drain()
        assert device.n_begun == 1
        assert [values.loss for values in done] == [0.0, 1.0, 2.0, 3.0, 4.0]

    def test_a_full_block_begins_its_way(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(device_queue, "_SLOTS", 5)
        device, done = FakeDevice(), list[StepValues]()
        queue = DeviceQueue(done.append, device.begin_copy, 3600.0)
        for i in range(5):
            norms = [torch.tensor(3.0 * i), torch.tensor(4.0 * i)]
            queue.push(StepValues(loss=torch.tensor(float(i)), grad_norm=total_norm(norms)))
        assert device.n_begun == 4
        device.n_done = 4
        queue.hand_on_arrived()
        assert [values.grad_norm for values in done] == [0.0, 5.0, 10.0, 15.0]

    def test_one_tensor_has_another_number_at_each_step(self) -> None:
        device, done = FakeDevice(), list[StepValues]()
        queue = DeviceQueue(done.append, device.begin_copy, 3600.0)
        scale = torch.tensor(1.0)
        for _ in range(3):
            queue.push(StepValues(loss=scale, skipped=scale))
            scale.mul_(2)
        queue.drain()
        assert [(values.loss, values.skipped) for values in done] == [(1, 1), (2, 2), (4, 4)]

    @pytest.mark.parametrize("number", [1 / 3, 1e-300])
    def test_double_precision_stays(self, number: float) -> None:
        device, done = FakeDevice(), list[StepValues]()
        queue = DeviceQueue(done.append, device.begin_copy, 3600.0)
        queue.push(step(1.0))
        queue.push(StepValues(loss=torch.tensor([number], dtype=torch.float64)))
        queue.push(StepValues(loss=torch.tensor(0.5, dtype=torch.bfloat16)))
        queue.drain()
        assert [values.loss for values in done] == [1.0, number, 0.5]

    def test_a_number_on_the_host_brings_no_others_there(self) -> None:
        host, far = torch.tensor(1.0), torch.tensor(2.0, device="meta")
        assert device_queue.DeviceBlock([host, far]).take().device == far.device

    def test_a_device_far_behind_is_waited_for_before_memory_grows(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(device_queue, "_LONGEST", 3)
        device, done = FakeDevice(), list[StepValues]()
        queue = DeviceQueue(done.append, device.begin_copy, 0.0)
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


class Launches(TorchDispatchMode):
    """Counts the operations that a device would be given: all that are no views."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.names: Counter[str] = Counter()

    def __torch_dispatch__(self, func: Any, _types: Any, args: Any = (), kwargs: Any = None) -> Any:
        if not func.is_view and "detach" not in str(func):
            self.names[str(func.overloadpacket)] += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("max_norm", "added"),
    [
        (None, {"aten._foreach_norm": 1, "aten._foreach_copy_": 1}),
        (1.0, {"aten._foreach_copy_": 1}),
    ],
)
def test_a_step_is_a_few_launches_more_and_no_allocation(
    device: FakeDevice, tmp_path: Path, max_norm: float | None, added: dict[str, int]
) -> None:
    """On torch's device without data, where a number that is read is an error."""

    def launches(*, watched: bool) -> Counter[str]:
        net = small_net().to("meta")
        optimizer = torch.optim.AdamW(net.parameters(), lr=0.01)
        run = lrwatch.watch(optimizer, dir=tmp_path, update_norm_every=1000) if watched else None
        for n in (25, 10):  # the first steps have more to do
            with Launches() as counted:
                for k in range(n):
                    loss = nn.functional.cross_entropy(net(batch(k)[0].to("meta")), TARGET)
                    loss.backward()
                    if max_norm is not None:
                        nn.utils.clip_grad_norm_(net.parameters(), max_norm)
                    optimizer.step()
                    optimizer.zero_grad()
        if run is not None:
            run.finish()
            assert len(lrwatch.read(run.path)) == 35
        names: Counter[str] = counted.names
        return names

    no_data = torch.zeros(1)
    device.fetch = lambda values: no_data.expand(len(values))
    difference = launches(watched=True)
    difference.subtract(launches(watched=False))
    assert {name: n / 10 for name, n in difference.items() if n} == added
