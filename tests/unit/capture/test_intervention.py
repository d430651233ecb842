"""Acting between two steps of a real optimizer."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest
import torch
from unstable_training import STABLE, Training

from lrwatch.alert import TrainingStopped
from lrwatch.capture import scaling
from lrwatch.capture.intervention import Intervention


def stop(_: object) -> None:
    raise TrainingStopped("stop")


@pytest.fixture
def training() -> Training:
    return Training(STABLE)


def intervene(training: Training, on_stop: Callable[[], None] = lambda: None) -> Intervention:
    return Intervention(training.optimizer, on_stop=on_stop)


def test_an_action_comes_before_the_step_on_its_thread(training: Training) -> None:
    intervention = intervene(training)
    seen: list[tuple[int, threading.Thread, list[torch.Tensor]]] = []

    def note(optimizer: torch.optim.Optimizer) -> None:
        seen.append((training.n_steps, threading.current_thread(), training.weights()))

    training.steps(2)
    asking = threading.Thread(target=intervention.before_next_step, args=[note])
    asking.start()
    asking.join()
    before = training.weights()
    training.steps(3)
    ((n_steps, thread, weights),) = seen
    assert n_steps == 2
    assert thread is threading.main_thread()
    assert all(map(torch.equal, weights, before))


def test_a_stop_prevents_the_step(training: Training) -> None:
    stopped: list[int] = []
    intervention = intervene(training, lambda: stopped.append(training.n_steps))
    training.steps(2)
    before = training.weights()
    intervention.before_next_step(stop)
    with pytest.raises(TrainingStopped):
        training.step()
    assert all(map(torch.equal, training.weights(), before))
    assert stopped == [2]
    training.step()  # who goes on may go on


def test_a_stop_comes_after_all_other_actions(training: Training) -> None:
    intervention = intervene(training)
    seen: list[object] = []
    intervention.before_next_step(stop)
    intervention.before_next_step(seen.append)
    with pytest.raises(TrainingStopped):
        training.step()
    assert seen == [training.optimizer]


def test_a_stop_prevents_a_step_with_a_closure_before_the_closure_runs() -> None:
    training = Training(1.0, torch.optim.LBFGS)
    intervention, calls = intervene(training), []

    def closure() -> float:
        calls.append(1)
        return training.loss().item()

    training.optimizer.step(closure)
    n_calls = len(calls)
    intervention.before_next_step(stop)
    with pytest.raises(TrainingStopped):
        training.optimizer.step(closure)
    assert len(calls) == n_calls


def test_what_an_action_raises_is_logged_and_training_goes_on(
    training: Training, caplog: pytest.LogCaptureFixture
) -> None:
    intervention = intervene(training)
    seen: list[object] = []

    def fail(_: object) -> None:
        raise OSError("no space left")

    intervention.before_next_step(fail)
    intervention.before_next_step(seen.append)
    training.step()
    assert len(seen) == 1
    assert [r.levelno for r in caplog.records] == [logging.ERROR]


def test_an_action_may_ask_for_one_before_the_step_after(training: Training) -> None:
    intervention = intervene(training)
    seen: list[object] = []

    def first(_: object) -> None:
        seen.append(training.n_steps)
        intervention.before_next_step(lambda _: seen.append(training.n_steps))

    intervention.before_next_step(first)
    training.steps(3)
    assert seen == [0, 1]


def test_it_acts_where_every_step_is_skipped_for_an_overflow(training: Training) -> None:
    intervention = intervene(training)
    intervention.follow_skipped_steps()
    scaler = torch.amp.GradScaler("cpu")

    def overflowing_step() -> None:
        scaler.scale(training.loss())
        for parameter in training.net.parameters():
            parameter.grad = torch.full_like(parameter, torch.inf)
        scaler.step(training.optimizer)
        scaler.update()

    overflowing_step()
    before = training.weights()
    intervention.before_next_step(stop)
    with pytest.raises(TrainingStopped):
        overflowing_step()
    assert all(map(torch.equal, training.weights(), before))
    intervention.detach()
    assert scaling.listeners.live() == []


def test_nothing_is_left_on_the_optimizer(training: Training) -> None:
    hooks: Any = training.optimizer._optimizer_step_pre_hooks
    intervention = intervene(training)
    seen: list[object] = []
    intervention.before_next_step(seen.append)
    assert len(hooks) == 1
    intervention.detach()
    training.step()
    assert (len(hooks), seen) == (0, [])


def test_it_may_be_taken_off_by_an_action(training: Training) -> None:
    intervention = intervene(training)
    seen: list[object] = []

    def leave(optimizer: object) -> None:
        seen.append(optimizer)
        intervention.detach()

    intervention.before_next_step(leave)
    training.steps(2)
    assert (len(seen), training.n_steps) == (1, 2)


def test_when_an_action_ends_it_those_that_wait_are_dropped_without_a_word(
    training: Training, caplog: pytest.LogCaptureFixture
) -> None:
    intervention = intervene(training)
    seen: list[object] = []
    intervention.before_next_step(lambda _: intervention.detach())
    intervention.before_next_step(seen.append)
    training.step()
    assert (seen, caplog.records) == ([], [])
