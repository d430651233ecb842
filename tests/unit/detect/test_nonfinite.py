from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from synthetic_runs import block

from lrwatch.detect.nonfinite import RECOVERED, NonFinite


def step_found(loss: list[float], **columns: Any) -> int | None:
    n = len(loss)
    rows = block({"step": np.arange(n), "loss": np.array(loss), "lr": np.ones(n), **columns})
    test, at = NonFinite(), 0
    while (taken := test.advance(rows[at:])) is not None:
        at += taken
    return test.step


def test_an_infinite_loss_is_found_at_once() -> None:
    assert step_found([1.0, 2.0, np.inf]) == 2


@pytest.mark.parametrize("grad", [np.nan, np.inf])
def test_nan_beside_a_gradient_that_is_not_finite_is_found_at_once(grad: float) -> None:
    assert step_found([1.0, np.nan], grad_norm=np.array([1.0, grad])) == 1


def test_nan_beside_a_finite_gradient_was_not_recorded() -> None:
    assert step_found([1.0, np.nan, np.nan, np.nan], grad_norm=np.ones(4)) is None


def test_without_gradients_lasting_nan_is_found_where_it_began() -> None:
    assert step_found([1.0, 1.0, np.nan, np.nan]) is None
    assert step_found([1.0, 1.0, np.nan, np.nan, np.nan]) == 2


def test_without_gradients_a_loss_logged_now_and_then_is_no_divergence() -> None:
    assert step_found([1.0, np.nan, np.nan, 1.0, np.nan, np.nan, np.nan, np.nan]) is None


def test_a_skipped_step_is_no_divergence() -> None:
    grad = np.array([1.0, np.inf, 1.0])
    assert step_found([1.0, np.inf, 1.0], grad_norm=grad, skipped=grad > 9) is None


def test_a_loss_that_was_not_seen_is_no_divergence() -> None:
    grad = np.array([1.0, np.nan])
    seen = np.array([True, False])
    assert step_found([1.0, np.nan], grad_norm=grad, loss_seen=seen) is None


def test_a_run_gets_over_one_bad_loss() -> None:
    assert step_found([1.0, np.inf, *[1.0] * (RECOVERED - 1)]) == 1
    assert step_found([1.0, np.inf, *[1.0] * RECOVERED]) is None
