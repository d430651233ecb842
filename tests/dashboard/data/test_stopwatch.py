from __future__ import annotations

import numpy as np
import pytest
from lrwatch_dashboard.data.stopwatch import Stopwatch


def steps(first: int, n: int) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    return np.arange(first, first + n)


def test_times_count_from_the_first_step() -> None:
    watch = Stopwatch()
    watch.add(steps(0, 5), 1_000_000 * (100 + steps(0, 5)))
    assert watch.clock().seconds_at([0, 2.5, 4]).tolist() == [0.0, 2.5, 4.0]
    assert watch.clock().steps_at([3.0]).tolist() == [3.0]


def test_a_long_run_is_told_by_few_pairs_and_read_in_pieces_alike() -> None:
    whole, pieces = Stopwatch(), Stopwatch()
    step, time = steps(0, 100_000), 1_000_000 + 500_000 * steps(0, 100_000)
    whole.add(step, time)
    for begin in range(0, 100_000, 777):
        pieces.add(step[begin : begin + 777], time[begin : begin + 777])
    for watch in (whole, pieces):
        clock = watch.clock()
        assert len(clock.steps) <= 257
        assert clock.seconds[-1] == pytest.approx(49_999.5)
        assert clock.seconds_at([50_000.0]) == pytest.approx([25_000.0])


def test_the_pause_before_a_resume_does_not_count() -> None:
    watch = Stopwatch()
    watch.add(steps(0, 10), 1_000_000 * (1 + steps(0, 10)))
    watch.add(steps(5, 5), 1_000_000 * (90_000 + steps(0, 5)))
    clock = watch.clock()
    assert clock.steps.tolist() == list(range(10))
    assert clock.seconds[4] == 4.0
    assert clock.seconds[-1] == pytest.approx(8.0)


def test_a_clock_that_was_set_back_stands_still() -> None:
    watch = Stopwatch()
    watch.add(steps(0, 3), np.array([10, 20, 5]) * 1_000_000)
    watch.add(steps(3, 2), np.array([6, 40]) * 1_000_000)
    assert watch.clock().seconds.tolist() == [0.0, 10.0, 10.0, 10.0, 30.0]


def test_rows_without_a_time_tell_nothing() -> None:
    watch = Stopwatch()
    watch.add(steps(0, 5), np.zeros(5, np.int64))
    assert not watch.clock()
