"""Hooks of a real optimizer that are taken off at bad times."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable

import pytest
import torch
from unstable_training import STABLE, Training

from lrwatch.capture import backward
from lrwatch.capture.hooks import StepHooks


@pytest.fixture
def training() -> Training:
    return Training(STABLE)


def n_hooks(training: Training) -> int:
    optimizer = training.optimizer
    return len(optimizer._optimizer_step_pre_hooks) + len(optimizer._optimizer_step_post_hooks)


def calling(function: Callable[[], object]) -> Callable[..., None]:
    def hook(*_: object) -> None:
        function()

    return hook


def on_another_thread(function: Callable[[], object]) -> None:
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_they_are_called_around_the_step(training: Training) -> None:
    seen: list[list[torch.Tensor]] = []
    note = calling(lambda: seen.append(training.weights()))
    StepHooks(training.optimizer, note, note)
    before = training.weights()
    training.step()
    assert all(map(torch.equal, seen[0], before))
    assert all(map(torch.equal, seen[1], training.weights()))


def test_between_two_steps_they_are_off_at_once(training: Training) -> None:
    hooks = StepHooks(training.optimizer, print, print)
    hooks.take_off()
    hooks.take_off()
    assert n_hooks(training) == 0
    assert backward.listeners.live() == []


@pytest.mark.parametrize("where", ["register_step_pre_hook", "register_step_post_hook"])
@pytest.mark.parametrize("how", [lambda f: f(), on_another_thread], ids=["same", "other thread"])
def test_in_a_hook_of_somebody_else_they_are_dead_at_once_and_off_soon(
    training: Training, where: str, how: Callable[[Callable[[], object]], None]
) -> None:
    register, seen = getattr(training.optimizer, where), list[int]()
    note = calling(lambda: seen.append(training.n_steps))
    early = register(calling(lambda: how(hooks.take_off)))
    hooks = StepHooks(training.optimizer, note, note)
    late = register(calling(lambda: how(hooks.take_off)))  # there is a hook left to go to
    training.step()
    seen.clear()
    training.step()
    assert seen == []
    assert n_hooks(training) == 2
    assert backward.listeners.live() == []
    early.remove()
    late.remove()


def test_an_own_hook_may_take_them_off(training: Training) -> None:
    def end(*_: object) -> None:
        hooks.take_off()

    hooks = StepHooks(training.optimizer, end, print)
    training.optimizer.register_step_pre_hook(lambda *_: None)
    training.steps(2)
    assert n_hooks(training) == 1


def test_those_of_before_leave_when_others_come(training: Training) -> None:
    hooks = StepHooks(training.optimizer, print)
    on_another_thread(hooks.take_off)
    assert n_hooks(training) == 1
    StepHooks(training.optimizer, lambda *_: None)
    assert n_hooks(training) == 1
    assert backward.listeners.live() == []


def test_a_backward_of_another_thread_leaves_them(training: Training) -> None:
    hooks = StepHooks(training.optimizer, lambda *_: None)
    training.step()
    on_another_thread(hooks.take_off)
    on_another_thread(Training(STABLE).loss)
    assert n_hooks(training) == 1
    training.loss()
    assert n_hooks(training) == 0


def test_hooks_of_a_thread_that_has_ended_are_off_at_once(training: Training) -> None:
    hooks = StepHooks(training.optimizer, lambda *_: None)
    on_another_thread(training.step)
    hooks.take_off()
    assert n_hooks(training) == 0


@pytest.mark.slow
def test_an_optimizer_that_is_gone_leaves_nothing() -> None:
    training = Training(STABLE)
    hooks = StepHooks(training.optimizer, lambda *_: None)
    del training
    gc.collect()
    on_another_thread(hooks.take_off)
    assert backward.listeners.live() == []
