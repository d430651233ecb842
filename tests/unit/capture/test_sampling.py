from __future__ import annotations

import random

from lrwatch.capture.sampling import Sampling


def measured(every: int, n_steps: int = 2_020, seed: str = "a") -> list[int]:
    sampling = Sampling(every, seed)
    return [step for step in range(n_steps) if sampling.is_due(step)]


def test_the_first_steps_are_all_measured() -> None:
    assert measured(10)[:20] == list(range(20))


def test_then_one_step_in_each_window() -> None:
    later = [step - 20 for step in measured(10)[20:]]
    assert [step // 10 for step in later] == list(range(200))


def test_every_place_in_the_window_comes_up() -> None:
    assert {(step - 20) % 10 for step in measured(10)[20:]} == set(range(10))


def test_one_measures_every_step() -> None:
    assert measured(1) == list(range(2_020))


def test_runs_draw_for_themselves_and_leave_the_scripts_numbers_alone() -> None:
    random.seed(1)
    before = random.getstate()
    assert measured(10, seed="a") != measured(10, seed="b")
    assert measured(10, seed="a") == measured(10, seed="a")
    assert random.getstate() == before
