from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from synthetic_runs import block

from lrwatch.detect.nonfinite import PATIENCE, RECOVERED, NonFinite
from lrwatch.detect.vanished import DENSE, LASTING, LONG

NAN = float("nan")


def followed(loss: list[float], **columns: Any) -> tuple[NonFinite, int | None]:
    """The test after all rows, and the step at which it first fired for sure."""
    n = len(loss)
    rows = block({"step": np.arange(n), "loss": np.array(loss), "lr": np.ones(n), **columns})
    test, at, fired = NonFinite(), 0, None
    while (taken := test.advance(rows[at:])) is not None:
        at += taken
        fired = at - 1 if fired is None and test.is_urgent else fired
    return test, fired


def step_found(loss: list[float], **columns: Any) -> int | None:
    return followed(loss, **columns)[0].step


def test_an_infinite_loss_is_found_at_once() -> None:
    assert step_found([1.0, 2.0, np.inf]) == 2


@pytest.mark.parametrize("grad", [np.nan, np.inf])
def test_nan_beside_a_gradient_that_is_not_finite_is_found_at_once(grad: float) -> None:
    assert step_found([1.0, NAN], grad_norm=np.array([1.0, grad])) == 1


def test_nan_beside_a_finite_gradient_was_not_recorded() -> None:
    assert step_found([1.0, NAN, NAN, NAN], grad_norm=np.ones(4)) is None


def test_nan_that_lasts_long_counts_beside_a_finite_gradient_too() -> None:
    loss = [*[1.0] * DENSE, *[NAN] * LONG]
    test, fired = followed(loss, grad_norm=np.ones(len(loss)))
    assert (test.step, test.n_bad, fired) == (DENSE, LONG, DENSE + LONG - 1)
    assert step_found(loss[:-1], grad_norm=np.ones(len(loss) - 1)) is None


def test_after_many_rows_it_must_last_longer() -> None:
    loss = [*[1.0] * 1000, *[NAN] * 200]
    assert step_found(loss, grad_norm=np.ones(1200)) == 1000
    assert step_found(loss[:-1], grad_norm=np.ones(1199)) is None


def test_nan_beside_a_finite_gradient_is_a_gap_where_gaps_as_long_were_followed_by_a_loss() -> None:
    loss = [*[1.0] * DENSE, *[NAN] * 80, 1.0, *[NAN] * 160]
    assert step_found(loss, grad_norm=np.ones(len(loss))) is None
    assert step_found([*loss, NAN], grad_norm=np.ones(len(loss) + 1)) == DENSE + 81


@pytest.mark.parametrize(("n_dense", "every"), [(20, 50), (100, 25), (500, 100)])
def test_a_log_that_grows_sparse_is_no_divergence(n_dense: int, every: int) -> None:
    loss = [1.0 if k < n_dense or k % every == 0 else NAN for k in range(3000)]
    test, fired = followed(loss, grad_norm=np.ones(3000))
    assert (test.step, fired) == (None, None)


def test_a_loss_logged_every_so_many_rows_is_not_lost_in_between() -> None:
    loss = [1.0 if k % 50 == 0 else NAN for k in range(500)]
    assert step_found(loss, grad_norm=np.ones(500)) is None


def test_null_beside_a_finite_gradient_was_not_recorded_however_long() -> None:
    n = DENSE + 100
    loss = [*[1.0] * DENSE, *[NAN] * 100]
    rows = block({"step": np.arange(n), "loss": np.array(loss), "lr": np.ones(n)})
    rows = replace(rows, grad_norm=np.ones(n), loss_seen=np.isfinite(rows.loss))
    assert NonFinite().advance(rows) is None


def test_steps_that_are_skipped_for_good_with_a_loss_of_nan_count() -> None:
    n = 30 + LASTING
    loss = [*[1.0] * 30, *[NAN] * LASTING]
    skipped = np.arange(n) >= 30
    assert step_found(loss, skipped=skipped, grad_norm=np.where(skipped, NAN, 1.0)) == 30
    assert step_found(loss[:-1], skipped=skipped[:-1], grad_norm=np.full(n - 1, NAN)) is None


def test_nan_in_a_row_that_lacks_its_learning_rate_was_not_recorded() -> None:
    lr = np.array([*[0.1] * DENSE, NAN])
    assert step_found([*[1.0] * DENSE, NAN], lr=lr) is None
    assert step_found([*[1.0] * DENSE, NAN], lr=np.full(DENSE + 1, NAN)) == DENSE


def test_without_gradients_nan_is_found_at_once_where_every_row_had_a_loss() -> None:
    assert followed([*[1.0] * DENSE, NAN])[1] == DENSE


def test_without_gradients_nan_near_the_beginning_counts_after_a_few_rows() -> None:
    assert step_found([1.0, 1.0, *[NAN] * (PATIENCE - 1)]) is None
    assert followed([1.0, 1.0, *[NAN] * PATIENCE])[1] == PATIENCE + 1


def test_without_gradients_nan_counts_at_once_after_a_loss_that_had_grown() -> None:
    assert followed([3.6, 1e5, 1e23, NAN])[1] == 3
    assert followed([3.6, 37.0, NAN])[1] == 2
    assert followed([3.6, 35.0, NAN])[1] is None


def test_the_last_finite_loss_is_kept() -> None:
    assert followed([3.6, 1e5, 1e23, NAN, NAN])[0].last_finite == 1e23


def test_without_gradients_nan_after_a_single_loss_must_last() -> None:
    assert step_found([1.0, *[NAN] * (LASTING - 1)]) is None
    assert step_found([1.0, *[NAN] * LASTING]) == 1


def test_a_loss_that_never_was_finite_is_found_from_the_first_step_on() -> None:
    test, fired = followed([NAN] * LASTING)
    assert (test.step, test.n_bad, fired) == (0, LASTING, None)
    assert "from the first step on" in test.evidence(LASTING - 1).note


@pytest.mark.parametrize("every", [2, 10, 20])
@pytest.mark.parametrize("first", [0, 1])
def test_a_loss_logged_every_few_steps_is_finite(every: int, first: int) -> None:
    row = np.arange(400)
    test, fired = followed(np.where(row % every == first * (every - 1), 1.0, NAN).tolist())
    assert (test.step, test.n_bad, fired) == (None, 0, None)


def test_a_loss_logged_every_hundred_steps_is_finite_again_once_that_is_seen() -> None:
    row = np.arange(1_000)
    test, fired = followed(np.where(row % 100 == 99, 1.0, NAN).tolist())
    assert (test.step, test.n_bad, fired) == (None, 0, None)


def test_a_loss_logged_every_few_steps_that_stays_away_is_found() -> None:
    sparse = np.where(np.arange(100) % 10 == 0, 1.0, NAN).tolist()
    assert step_found(sparse + [NAN] * 40) == 91


def test_holes_at_equal_distances_are_gaps() -> None:
    row = np.arange(400)
    test, _ = followed(np.where(row % 50 == 30, NAN, 1.0).tolist())
    assert (test.step, test.n_bad) == (None, 0)


def test_holes_here_and_there_are_losses_that_were_not_finite() -> None:
    loss = np.ones(400)
    loss[[60, 75, 210, 260, 345]] = NAN
    test, fired = followed(loss.tolist())
    assert (test.step, test.n_bad, fired) == (345, 5, 60)
    assert test.in_words() == "5 losses were not finite, the last at step 345"


def test_a_skipped_step_is_no_divergence() -> None:
    grad = np.array([1.0, np.inf, 1.0])
    assert step_found([1.0, np.inf, 1.0], grad_norm=grad, skipped=grad > 9) is None


def test_a_loss_that_was_not_seen_is_no_divergence() -> None:
    grad = np.array([1.0, NAN])
    seen = np.array([True, False])
    assert step_found([1.0, NAN], grad_norm=grad, loss_seen=seen) is None


def test_a_run_gets_over_one_bad_loss_and_it_is_still_told() -> None:
    assert step_found([1.0, np.inf, *[1.0] * (RECOVERED - 1)]) == 1
    test, _ = followed([1.0, np.inf, *[1.0] * RECOVERED])
    assert test.step is None
    assert "1 loss was not finite, the last at step 1" in test.evidence(21).note


def test_after_a_relapse_it_takes_twice_as_long() -> None:
    once = [1.0, np.inf, *[1.0] * RECOVERED, np.inf]
    assert step_found([*once, *[1.0] * (2 * RECOVERED - 1)]) == RECOVERED + 2
    assert step_found([*once, *[1.0] * (2 * RECOVERED)]) is None


@pytest.mark.parametrize("seed", range(20))
def test_it_does_not_matter_how_rows_are_cut_into_blocks(seed: int) -> None:
    random = np.random.default_rng(seed)
    n = 300
    loss = np.where(random.random(n) < random.choice([0.02, 0.5]), NAN, 1.0)
    if seed % 2:
        loss[random.integers(0, n) :][:: random.integers(2, 9)] = NAN
    grad = np.where(random.random(n) < 0.5, NAN, 1.0) if seed % 3 == 0 else np.full(n, NAN)
    if seed % 4 == 0:  # NaN that lasts beside a finite gradient norm
        begin, end = sorted(random.integers(0, n, 2))
        loss[begin:end], grad[begin:end], loss[end : end + 2 * RECOVERED] = NAN, 1.0, 1.0
    whole, _ = followed(loss.tolist(), grad_norm=grad)
    rows = block({"step": np.arange(n), "loss": loss, "lr": np.ones(n), "grad_norm": grad})
    single = NonFinite()
    for k in range(n):
        single.advance(rows[k : k + 1])
    assert vars(single) == vars(whole)
