from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lrwatch.delivery.receiver_queue import Backoff

STEADY = Backoff(random=lambda: 0.5)


def test_three_quick_retries_come_before_the_slow_ones() -> None:
    assert [STEADY.seconds(n) for n in range(1, 8)] == [1, 2, 4, 60, 120, 240, 480]


def test_a_receiver_gets_the_time_it_asks_for() -> None:
    assert STEADY.seconds(1, 30.0) == 30


def test_asking_for_less_than_is_usual_changes_nothing() -> None:
    assert STEADY.seconds(4, 5.0) == 60


def test_asking_for_days_is_not_heard() -> None:
    assert STEADY.seconds(1, 1e9) == 3600


@pytest.mark.slow
@given(st.integers(1, 10**6), st.floats(0, 1, exclude_max=True))
def test_a_wait_varies_by_a_quarter_around_what_is_planned(n: int, chance: float) -> None:
    planned = STEADY.seconds(n)
    assert 0.75 * planned <= Backoff(random=lambda: chance).seconds(n) <= 1.25 * planned


@given(st.integers(1, 10**6))
def test_no_wait_is_longer_than_a_quarter_of_an_hour_and_jitter(n: int) -> None:
    assert STEADY.seconds(n) <= 900
