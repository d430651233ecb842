"""Several threads that train: whose loss it is, and that nobody looks at gradients of others."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch_models import small_net, train

import lrwatch
from lrwatch.capture import backward
from lrwatch.system import new_lock

GRAD: Any = torch.Tensor.grad


class Spied(nn.Parameter):
    """A parameter that notes which threads read its gradient."""

    readers: set[int]

    @property
    def grad(self) -> Any:
        self.readers.add(threading.get_ident())
        return GRAD.__get__(self)

    @grad.setter
    def grad(self, value: Any) -> None:
        GRAD.__set__(self, value)


def spied(value: float) -> Spied:
    parameter = Spied(torch.tensor([value]))
    parameter.readers = set()
    return parameter


def on_a_thread(function: Callable[[], object]) -> int:
    """Run a function on a thread of its own, to its end; returns the thread's number."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            function()
        except BaseException as error:  # noqa: BLE001
            errors.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert not errors, errors
    assert thread.ident is not None
    return thread.ident


def step(weight: nn.Parameter, optimizer: torch.optim.Optimizer, factor: float) -> float:
    optimizer.zero_grad()
    loss = (weight * factor).sum()
    loss.backward()
    optimizer.step()
    return loss.item()


def losses(run: lrwatch.Run) -> list[float]:
    run.finish()
    return lrwatch.read(run.path)["loss"].tolist()


def test_a_thread_looks_at_no_gradient_that_its_backward_does_not_reach(tmp_path: Path) -> None:
    mine, other = spied(1.0), nn.Parameter(torch.tensor([1.0]))
    optimizer = torch.optim.SGD([mine], lr=0.1)
    run = lrwatch.watch(optimizer, dir=tmp_path)
    true = [step(mine, optimizer, 3.0)]

    def strange() -> None:
        for _ in range(3):
            (other * 2).sum().backward()
            nn.utils.clip_grad_norm_([other], 1.0)

    stranger = on_a_thread(strange)
    assert stranger not in mine.readers
    true.append(step(mine, optimizer, 4.0))
    assert losses(run) == true


def test_losses_of_calls_that_overlap_go_to_their_own_runs(tmp_path: Path) -> None:
    first, second = nn.Parameter(torch.tensor([1.0])), nn.Parameter(torch.tensor([1.0]))
    optimizers = [torch.optim.SGD([weight], lr=0.1) for weight in (first, second)]
    runs = [lrwatch.watch(one, dir=tmp_path) for one in optimizers]
    true: list[list[float]] = [[], []]

    def meanwhile() -> None:
        on_a_thread(lambda: true[1].append(step(second, optimizers[1], 7.0)))

    for k in range(3):
        product = first * (k + 2)
        # While the engine is in the first, all of the second comes.
        product.register_hook(lambda _: meanwhile())
        loss = product.sum()
        optimizers[0].zero_grad()
        loss.backward()
        optimizers[0].step()
        true[0].append(loss.item())
    assert [losses(run) for run in runs] == true


def test_a_training_may_change_its_thread_at_any_step(tmp_path: Path) -> None:
    weight = nn.Parameter(torch.tensor([1.0]))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    run = lrwatch.watch(optimizer, dir=tmp_path)
    true: list[float] = []
    for k in range(4):
        on_a_thread(lambda k=k: true.append(step(weight, optimizer, k + 1.0)))  # type: ignore[misc]
        true.append(step(weight, optimizer, 0.5))
    assert losses(run) == true


def test_accumulation_on_a_second_thread_forgets_what_was_thrown_away(tmp_path: Path) -> None:
    weight = nn.Parameter(torch.tensor([1.0]))
    optimizer = torch.optim.SGD([weight], lr=0.1)
    run = lrwatch.watch(optimizer, dir=tmp_path)
    (nn.Parameter(torch.ones(1)) * 2).sum().backward()

    def work() -> None:
        (weight * 100).sum().backward()
        optimizer.zero_grad()
        (weight * 2).sum().backward()
        (weight * 3).sum().backward()
        optimizer.step()

    on_a_thread(work)
    assert losses(run) == [5.0]


def test_only_the_inputs_of_backward_are_reached(tmp_path: Path) -> None:
    first, second = nn.Parameter(torch.tensor([1.0])), nn.Parameter(torch.tensor([1.0]))
    optimizer = torch.optim.SGD([first], lr=0.1)
    run = lrwatch.watch(optimizer, dir=tmp_path)
    on_a_thread((second * 1).sum().backward)
    (first * second * 9).sum().backward(inputs=[second])
    true = step(first, optimizer, 2.0)
    assert losses(run) == [true]


def test_steps_of_one_optimizer_that_overlap_are_a_row_each(tmp_path: Path) -> None:
    net = small_net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01)
    run = lrwatch.watch(optimizer, dir=tmp_path)
    meanwhile = [lambda: train(net, optimizer, 2)]

    def hook(*_: object) -> None:
        if meanwhile:
            on_a_thread(meanwhile.pop())

    handle = optimizer.register_step_pre_hook(hook)
    train(net, optimizer, 1)
    handle.remove()
    run.finish()
    assert len(lrwatch.read(run.path)) == 3


def test_who_was_in_backward_when_listening_began_is_known(tmp_path: Path) -> None:
    weight = spied(1.0)
    optimizer = torch.optim.SGD([weight], lr=0.1)
    inside, leave = threading.Event(), threading.Event()
    product = nn.Parameter(torch.ones(1)) * 2

    def linger(_: torch.Tensor) -> None:
        inside.set()
        leave.wait(60)

    product.register_hook(linger)
    thread = threading.Thread(target=product.sum().backward)
    thread.start()
    assert inside.wait(60)
    run = lrwatch.watch(optimizer, dir=tmp_path)
    (nn.Parameter(torch.ones(1)) * 2).sum().backward()
    leave.set()
    thread.join()
    assert weight.readers == set()
    run.finish()


def test_threads_are_forgotten_with_the_last_listener(tmp_path: Path) -> None:
    weight = nn.Parameter(torch.tensor([1.0]))
    for _ in range(2):
        optimizer = torch.optim.SGD([weight], lr=0.1)
        run = lrwatch.watch(optimizer, dir=tmp_path)
        on_a_thread(lambda: (weight * 1).sum().backward())
        assert backward.is_one_thread()
        (weight * 1).sum().backward()
        assert not backward.is_one_thread()
        run.finish()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_finds_every_lock_open() -> None:
    lock = new_lock()
    held, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with lock:
            held.set()
            leave.wait(60)

    thread = threading.Thread(target=hold)
    thread.start()
    assert held.wait(60)
    child = os.fork()
    if child == 0:
        os._exit(0 if lock.acquire(timeout=30) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    leave.set()
    thread.join()
