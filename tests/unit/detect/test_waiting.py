from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from lrwatch.detect.tracker import Tracker
from lrwatch.detect.waiting import MOST, Waiting
from lrwatch.records import StepBlock
from lrwatch.tables import step_block


def rows(loss: np.ndarray, **extra: np.ndarray) -> StepBlock:
    n = len(loss)
    ones = np.ones(n)
    return step_block({"step": np.arange(n), "loss": loss, "lr": ones, "grad_norm": ones, **extra})


def odd_run(seed: int) -> StepBlock:
    """A noisy fall with bumps of a few rows, about as high as what is found; gone back at times."""
    random = np.random.default_rng(seed)
    n = int(random.integers(1_500, 4_000))
    start, fall = random.choice([1.0, -5.0, 100.0]), random.choice([0.02, 0.3, 0.9])
    loss = start + abs(start) * fall * (np.exp(-np.arange(n) / random.uniform(10, n)) - 1)
    loss += abs(start) * random.choice([0.0, 0.02, 0.2]) * random.standard_normal(n)
    for height in (0.05, 0.2, 0.3, 0.35, 0.5, -0.3):
        at = int(random.integers(0, n))
        loss[at : at + int(random.choice([4, 8, 9, 40, 400]))] += abs(start) * height
    run = rows(loss)
    if seed % 3 == 0:
        back = int(random.integers(1, n))
        run = run.with_columns(step=run.step - np.where(run.step < back, 0, back // 2))
    return run


def decided(tracker: Tracker, run: StepBlock, size: int) -> list[Any]:
    with np.errstate(all="ignore"):
        return [
            (at, *what)
            for at in range(0, len(run), size)
            for what in tracker.advance(run[at : at + size])
        ]


def known_of(tracker: Tracker) -> list[str]:
    with np.errstate(all="ignore"):
        tracker = tracker.finished()
    usual, divergence = vars(tracker.divergence).pop("_usual"), vars(tracker.divergence)
    sums = {name: tracker.history[name].tolist() for name in ("rows", "loss", "log_grad")}
    return [repr(what) for what in (vars(usual), divergence, sums, vars(tracker.nonfinite))]


QUICK = {5, 8, 10, 11}


@pytest.mark.parametrize(
    "seed",
    [pytest.param(seed, marks=[] if seed in QUICK else pytest.mark.slow) for seed in range(12)],
)
def test_rows_that_wait_change_nothing(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    run, size = odd_run(seed), (7, 30, 100)[seed % 3]
    patient = Tracker()
    found = decided(patient, run, size)
    monkeypatch.setattr(Waiting, "add", lambda *_: False)
    hasty = Tracker()
    assert found == decided(hasty, run, size)
    assert known_of(patient) == known_of(hasty)


def test_most_rows_of_a_long_run_wait() -> None:
    tracker, n_taken = Tracker(), 0
    run = rows(1 + np.exp(-np.arange(20_000) / 500))
    for at in range(0, 20_000, 100):
        list(tracker.advance(run[at : at + 100]))
        n_taken += not tracker._waiting.n_rows
    assert n_taken < 60


def test_rows_are_copied() -> None:
    loss = 1 + np.exp(-np.arange(3_003) / 500)
    tracker = Tracker()
    for at in range(0, 3_003, 77):
        mine = rows(loss)[at : at + 77].with_columns(loss=loss[at : at + 77].copy())
        list(tracker.advance(mine))
        mine.loss[:] = 7.0
    expected = Tracker()
    list(expected.advance(rows(loss)))
    assert known_of(tracker) == known_of(expected)


def test_there_is_room_for_so_many_numbers_and_columns_of_one_kind() -> None:
    waiting, some = Waiting(), rows(np.ones(100))
    assert [waiting.add(some) for _ in range(MOST // 1_000 + 1)] == [True] * 16 + [False]
    assert not waiting.add(rows(np.ones(1), mine=np.ones(1)))
    (taken,) = waiting.take()
    assert len(taken) == 1_600
    assert waiting.add(rows(np.ones(100), mine=np.arange(100.0)))
    assert not waiting.add(some)
    (taken,) = waiting.take()
    assert taken.extra["mine"].tolist() == list(range(100))
    assert not waiting.take()
