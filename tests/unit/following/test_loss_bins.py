"""The loss of a run in bounded memory, for the picture in the table and for where it ended."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sources import ROOT

import lrwatch
from lrwatch.following.loss_bins import LossBins
from lrwatch.records import rising
from lrwatch.tables import step_block


def bins(loss: list[float], block: int = 10**9, step: list[int] | None = None) -> LossBins:
    found = LossBins()
    steps: list[int] = list(range(len(loss))) if step is None else step
    for i in range(0, len(loss), block):
        places = steps[i : i + block]
        table = {"step": places, "loss": loss[i : i + block], "lr": [0.1] * len(places)}
        for piece in rising(step_block(table)):
            found.add(piece)
    return found


def drawn(loss: list[float], block: int = 10**9) -> tuple[int | None, ...]:
    return bins(loss, block).heights(64, 99)


def test_a_falling_loss_falls_from_top_to_bottom_on_the_log_scale() -> None:
    heights = drawn([10.0 ** (-i / 16) for i in range(64)])
    assert (heights[0], heights[-1]) == (99, 0)
    assert heights[32] == 49  # halfway in logarithms


@pytest.mark.parametrize("n", [64, 65, 100, 255, 256, 257, 10_000])
def test_a_run_of_any_length_is_drawn_with_enough_points_and_few(n: int) -> None:
    assert 32 <= len(drawn([1.0 / (1 + i) for i in range(n)])) <= 64


@pytest.mark.slow
@pytest.mark.parametrize("block", [1, 10, 300])
def test_blocks_of_any_size_are_the_same(block: int) -> None:
    loss = np.random.default_rng(0).gamma(2, size=777).tolist()
    whole, parts = bins(loss), bins(loss, block)
    assert whole.heights(64, 99) == parts.heights(64, 99)
    assert whole.loss_at() == pytest.approx(parts.loss_at(), rel=1e-12)


def test_a_gap_in_the_loss_is_a_gap_in_the_line() -> None:
    assert drawn([1.0, math.nan, 2.0]) == (0, None, 99)


def test_a_constant_loss_is_a_line_in_the_middle() -> None:
    assert set(drawn([0.7] * 10)) == {50}


def test_negative_losses_are_drawn_as_they_are() -> None:
    assert drawn([1.0, 0.0, -1.0]) == (99, 50, 0)


def test_extreme_losses_are_told_apart() -> None:
    heights = drawn([1e300, 1e280, 1e100])
    assert heights[0] == 99
    assert heights[1] not in (99, None)
    assert heights[2] == 0


def test_no_loss_gives_no_line_and_no_end() -> None:
    nothing = bins([math.nan, math.inf])
    assert nothing.heights(64, 99) == ()

    assert nothing.loss_at() is None
    assert LossBins().loss_at() is None


def test_the_end_is_the_mean_over_the_last_sixteenth_of_the_steps() -> None:
    loss = np.random.default_rng(1).gamma(2, size=250)
    assert bins(loss.tolist()).loss_at() == pytest.approx(loss[-15:].mean())
    assert bins(loss.tolist()).loss_at(99) == pytest.approx(loss[94:100].mean())


def test_the_end_of_a_long_run_is_averaged_in_whole_bins() -> None:
    loss = np.linspace(2, 1, 16_000)
    assert bins(loss.tolist()).loss_at() == pytest.approx(loss[-1000:].mean(), rel=5e-3)


def test_a_run_whose_loss_broke_has_no_end_and_had_a_loss_before() -> None:
    broke = bins([2.0] * 90 + [math.nan] * 10)
    assert broke.loss_at() is None
    assert broke.loss_at(80) == 2.0


def test_one_broken_loss_on_the_way_does_not_break_the_end() -> None:
    assert bins([2.0] * 90 + [math.nan] + [1.0] * 9).loss_at() == 1.0


def test_steps_that_are_written_again_count_once() -> None:
    again = bins([9.0] * 100 + [1.0] * 50, step=[*range(100), *range(50, 100)])
    assert again.loss_at() == 1.0
    assert again.loss_at(40) == 9.0


def test_a_counter_that_starts_anew_starts_the_curve_anew() -> None:
    again = bins([9.0] * 20 + [1.0] * 20, step=[*range(100, 120), *range(20)])
    assert again.steps.tolist() == list(range(20))
    assert again.loss_at() == 1.0


def test_the_tail_agrees_with_the_rows_that_read_gives() -> None:
    frame = lrwatch.read(ROOT / "sample_runs/digits-sgd-constant-0.1")
    tail = frame["loss"][-max(len(frame) // 16, 1) :].mean()
    found = bins(frame["loss"].tolist(), step=frame["step"].tolist()).loss_at()
    assert found == pytest.approx(tail, rel=0.02)


def test_steps_as_far_apart_as_numbers_go_are_kept_apart() -> None:
    far = bins([4.0, 1.0], step=[-(2**63), 2**63 - 1])
    assert (far.loss_at(), far.means.tolist()) == (1.0, [4.0, 1.0])


def test_a_small_picture_goes_to_the_last_step_and_shows_what_was_before_a_divergence() -> None:
    broken = drawn([2.0 - i / 50 for i in range(60)] + [math.nan] * 40)
    assert len(broken) == 50  # two steps a place
    assert broken[29] is not None
    assert broken[30:] == (None,) * 20
    rises = drawn([2.0 * 0.97**i for i in range(40)] + [0.6 * 2.0**i for i in range(24)])
    assert rises[0] == 59  # where it began, and not next to nothing
    assert rises[40] == 0
    assert rises[63] == 99
    falls = drawn([1e6 * 0.5**i for i in range(40)] + [1.0] * 24)
    assert falls[:2] == (99, 96)  # a fall is drawn as it is
