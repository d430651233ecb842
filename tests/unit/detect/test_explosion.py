from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from synthetic_runs import block

import lrwatch
from lrwatch.detect.explosion import Explosion
from lrwatch.detect.opening import Opening


def columns(**changed: Any) -> dict[str, np.ndarray]:
    """A calm run of 60 steps whose gradient jumps a thousandfold at step 50."""
    n = 60
    run = {
        "step": np.arange(n),
        "loss": np.linspace(2, 1, n),
        "lr": np.full(n, 0.1),
        "grad_norm": np.where(np.arange(n) < 50, 1.0, 1000.0),
        "param_norm": np.full(n, 10.0),
        "update_norm": np.where(np.arange(n) < 50, 0.1, 100.0),
    }
    return run | changed


def explains(run: dict[str, np.ndarray], step: int) -> bool:
    rows, found, opening = block(run), Explosion(), Opening()
    found.add(rows)
    opening.add(rows)
    return found.explains(step, opening)


def test_a_gradient_that_jumps_after_gentle_steps_explains_a_loss_that_leaves_soon_after() -> None:
    assert explains(columns(), 52)
    assert not explains(columns(), 20)
    assert not explains(columns(), 80)


def test_a_gradient_that_large_steps_threw_up_explains_nothing() -> None:
    assert not explains(columns(update_norm=np.full(60, 2.0)), 52)


def test_a_gradient_that_grew_step_by_step_explains_nothing() -> None:
    assert not explains(columns(grad_norm=1.5 ** np.arange(60.0)), 52)


def test_a_learning_rate_that_rose_is_the_cause_itself() -> None:
    assert not explains(columns(lr=np.where(np.arange(60) < 49, 0.1, 3.0)), 52)


def test_without_norms_a_jump_counts_only_in_a_run_that_went_well_before() -> None:
    unknown = np.full(60, np.nan)
    assert explains(columns(update_norm=unknown, param_norm=unknown), 52)
    early = np.where(np.arange(60) < 3, 1.0, 1000.0)
    assert not explains(columns(update_norm=unknown, param_norm=unknown, grad_norm=early), 5)


@pytest.mark.parametrize(("first", "expected"), [(500.0, True), (1.0, False)])
def test_of_large_first_steps_a_steep_start_is_at_fault_or_the_learning_rate(
    first: float, expected: bool
) -> None:
    grad = np.where(np.arange(60) < 1, first, 1e6)
    update = np.where(np.arange(60) < 1, 5.0, 1e4)
    assert explains(columns(grad_norm=grad, update_norm=update), 2) == expected


def test_it_does_not_matter_how_rows_are_cut_into_blocks() -> None:
    random = np.random.default_rng(0)
    run = columns(grad_norm=10 ** random.uniform(-2, 2, 60), update_norm=random.random(60))
    rows, whole, single = block(run), Explosion(), Explosion()
    whole.add(rows)
    for k in range(60):
        single.add(rows[k : k + 1])
    assert repr(single.jump) == repr(whole.jump)


def test_a_run_lost_that_way_is_exploding() -> None:
    run = columns()
    run["loss"][51:] = run["grad_norm"][51:] = np.nan
    diagnosis = lrwatch.diagnose(run)
    assert (diagnosis.verdict, diagnosis.learning_rate) == ("exploding", "too_high")
    assert diagnosis.reason.startswith("Gradient norm rose 1000-fold by step 50")
    assert "Clip the gradient" in diagnosis.advice
