from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import lrwatch
from lrwatch.detect.tracker import Tracker
from lrwatch.diagnosis.examination import Examination
from lrwatch.diagnosis.horizon import is_in_sight
from lrwatch.tables import step_block

N = 400
STEP = np.arange(N)


def in_sight(total_steps: int | None = None, *, ratio: float = 7e-4, **columns: Any) -> bool:
    run = {
        "step": STEP,
        "loss": 2 - STEP / 4_000 + 0.01 * np.random.default_rng(0).standard_normal(N),
        "lr": np.ones(N),
        "grad_norm": np.ones(N),
        "update_norm": np.full(N, 10 * ratio),
        "param_norm": np.full(N, 10.0),
    }
    tracker = Tracker()
    for _ in tracker.advance(step_block(run | columns)):
        pass
    return is_in_sight(Examination(tracker.finished(), least_rows=24, total_steps=total_steps))


def test_a_healthy_update_ratio_says_nothing_of_a_run_of_unknown_length() -> None:
    assert not in_sight()
    assert in_sight(total_steps=500)


@pytest.mark.parametrize(("share", "seen"), [(0.52, False), (0.48, True)])
def test_a_rate_that_has_halved_is_on_its_way_to_the_end(share: float, seen: bool) -> None:
    assert in_sight(lr=np.where(STEP < 200, 1.0, share)) is seen


@pytest.mark.parametrize(("ratio", "seen"), [(5.2e-5, False), (4.8e-5, True)])
def test_steps_that_come_nowhere_in_twenty_thousand_are_short(ratio: float, seen: bool) -> None:
    assert in_sight(ratio=ratio) is seen


def test_without_norms_nobody_knows() -> None:
    nothing = np.full(N, np.nan)
    assert not in_sight(ratio=1e-6, update_norm=nothing, param_norm=nothing)


@pytest.mark.parametrize(("drop", "seen"), [(0.1, False), (0.0, True)])
def test_a_dead_run_stands_still_from_the_first_step(drop: float, seen: bool) -> None:
    noise = 0.01 * np.random.default_rng(0).standard_normal(N)
    assert in_sight(ratio=0.01, loss=2 - drop * (1 - np.exp(-STEP / 50)) + noise) is seen


def test_a_loss_that_is_the_same_at_every_step_needs_no_end() -> None:
    assert in_sight(loss=np.ones(N))


def test_a_slow_start_of_a_long_run_is_not_alarmed_but_told_when_asked() -> None:
    n = 300
    run = {
        "step": np.arange(n),
        "loss": 2 - np.arange(n) / 1_500,
        "lr": np.ones(n),
        "grad_norm": np.full(n, 0.5),
        "update_norm": np.full(n, 6e-4),
        "param_norm": np.full(n, 10.0),
    }
    unknown, planned = lrwatch.Monitor(), lrwatch.Monitor(total_steps=n)
    assert unknown.update(run) == []
    assert unknown.diagnosis().verdict == "too_low"
    assert [alarm.verdict for alarm in planned.update(run)] == ["too_low"]
