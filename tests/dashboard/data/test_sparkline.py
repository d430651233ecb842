from __future__ import annotations

import math

import numpy as np
from lrwatch_dashboard.data.sparkline import Sparkline


def _drawn(loss: list[float], block: int = 10**9) -> tuple[int | None, ...]:
    spark = Sparkline()
    values = np.array(loss)
    for begin in range(0, len(loss), block):
        part = values[begin : begin + block]
        spark.add(np.arange(begin, begin + len(part)), part)
    return spark.heights()


def test_a_falling_loss_falls_from_top_to_bottom_on_the_log_scale() -> None:
    heights = _drawn([10.0 ** (-i / 16) for i in range(64)])
    assert (heights[0], heights[-1]) == (99, 0)
    assert heights[32] == 49  # halfway in logarithms


def test_a_long_run_is_drawn_with_few_points() -> None:
    assert 32 <= len(_drawn([1.0 / (1 + i) for i in range(10_000)])) <= 64


def test_blocks_of_any_size_draw_the_same() -> None:
    loss = np.random.default_rng(0).gamma(2, size=777).tolist()
    assert _drawn(loss) == _drawn(loss, block=10)


def test_a_gap_in_the_loss_is_a_gap_in_the_line() -> None:
    assert _drawn([1.0, math.nan, 2.0]) == (0, None, 99)


def test_a_constant_loss_is_a_line_in_the_middle() -> None:
    assert set(_drawn([0.7] * 10)) == {50}


def test_negative_losses_are_drawn_as_they_are() -> None:
    assert _drawn([1.0, 0.0, -1.0]) == (99, 50, 0)


def test_extreme_losses_are_told_apart() -> None:
    assert _drawn([1e300, 1e280, 1e100]) == (99, 89, 0)


def test_no_loss_gives_no_line() -> None:
    assert _drawn([math.nan, math.inf]) == ()
