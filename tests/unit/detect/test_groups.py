from __future__ import annotations

import numpy as np
import pytest
from synthetic_runs import block

from lrwatch.detect.groups import MAXIMA, SUMS, summarise

NOTHING_BEFORE = np.full(2, np.nan)


def sums_of(loss: list[float], **columns: object) -> dict[str, float]:
    n = len(loss)
    rows = block({"step": np.arange(n), "loss": np.array(loss), "lr": np.full(n, 0.5), **columns})  # type: ignore[dict-item]
    groups = summarise(rows, np.ones(n), NOTHING_BEFORE)
    return dict(zip(SUMS, groups.sums[0].tolist(), strict=True))


def test_a_group_takes_its_middle_losses_so_that_one_wild_value_does_not_count() -> None:
    assert sums_of([1.0, 1000.0, 3.0, 2.0])["loss"] / 4 == 2.5


def test_a_group_with_a_missing_loss_takes_the_mean_of_the_rest() -> None:
    sums = sums_of([1.0, np.nan, 3.0, 2.0])
    assert (sums["loss"], sums["loss_n"]) == (6.0, 3)


def test_differences_need_two_losses_before_them() -> None:
    sums = sums_of([1.0, 2.0, 4.0, 3.0])
    assert (sums["diff_n"], sums["diff1"], sums["diff2"]) == (2, 3.0, 4.0)


def test_differences_reach_back_to_the_losses_before() -> None:
    rows = block({"step": np.arange(4), "loss": np.array([5.0, 5, 5, 5]), "lr": np.ones(4)})
    groups = summarise(rows, np.ones(4), np.array([3.0, 4.0]))
    sums = dict(zip(SUMS, groups.sums[0].tolist(), strict=True))
    assert (sums["diff_n"], sums["diff1"], sums["diff2"]) == (4, 1.0, 3.0)


def test_drive_is_the_sum_of_gradient_norm_times_update_norm_where_both_are_known() -> None:
    sums = sums_of(
        [1.0, 1, 1, 1],
        grad_norm=np.array([2.0, 3, 4, np.nan]),
        update_norm=np.array([1.0, np.nan, 0.5, 1.0]),
    )
    assert (sums["drive"], sums["drive_n"]) == (4.0, 2)


def test_a_skipped_step_has_no_update() -> None:
    sums = sums_of(
        [1.0, 1, 1, 1],
        grad_norm=np.array([np.inf, 1, 1, 1]),
        update_norm=np.array([0.0, 1, 1, 1]),
        skipped=np.array([True, False, False, False]),
    )
    assert (sums["skipped"], sums["update_n"], sums["grad_n"]) == (1, 3, 3)


def test_a_learning_rate_counts_for_every_step_that_its_row_stands_for() -> None:
    rows = block({"step": np.array([10, 20]), "loss": np.ones(2), "lr": np.array([1.0, 3.0])})
    groups = summarise(rows, np.array([10.0, 10.0]), NOTHING_BEFORE)
    assert groups.sums[0, SUMS.index("lr")] == 40.0


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_the_highest_loss_is_the_highest_finite_one(bad: float) -> None:
    rows = block({"step": np.arange(4), "loss": np.array([1.0, bad, 7, 2]), "lr": np.ones(4)})
    groups = summarise(rows, np.ones(4), NOTHING_BEFORE)
    assert groups.maxima[0, MAXIMA.index("loss_max")] == 7.0


@pytest.mark.parametrize(("left", "counts"), [(0.97, 4), (0.995, 0)])
def test_a_gradient_was_clipped_if_a_hundredth_of_it_is_gone(left: float, counts: int) -> None:
    sums = sums_of([1.0] * 4, grad_norm=np.ones(4), grad_norm_clipped=np.full(4, left))
    assert sums["clipped"] == counts
