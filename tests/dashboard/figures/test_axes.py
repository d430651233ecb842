from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lrwatch_dashboard.figures.axes import linear_axis, log_axis

POSITIVE = st.floats(1e-300, 1e300)
ANY = st.floats(-1e300, 1e300)


@pytest.mark.slow
@given(values=st.lists(POSITIVE, max_size=20))
@settings(max_examples=80, deadline=None)
def test_a_log_axis_holds_its_ticks_and_reads_without_crowding(values: list[float]) -> None:
    axis = log_axis(np.array(values))
    bottom, top = axis["range"]
    assert bottom < top
    assert len(axis["ticktext"]) == len(axis["tickvals"]) <= 9
    for tick in axis["tickvals"]:
        assert bottom - 1e-9 <= math.log10(tick) <= top + 1e-9


@pytest.mark.slow
@given(values=st.lists(ANY, max_size=20))
@settings(max_examples=80, deadline=None)
def test_a_linear_axis_holds_all_values_and_its_ticks(values: list[float]) -> None:
    axis = linear_axis(np.array(values))
    bottom, top = axis["range"]
    assert bottom < top
    assert all(bottom <= value <= top for value in values)
    assert 1 <= len(axis["tickvals"]) <= 9


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.2, 2.5], ["0.2", "0.5", "1", "2"]),
        ([0.1, 8.0], ["0.1", "0.3", "1", "3", "10"]),
        ([1e-6, 1e6], ["10<sup>-6</sup>", "0.001", "1", "1000", "10<sup>6</sup>"]),
        ([0.29, 0.31], ["0.25", "0.3", "0.35"]),
        ([2.5e10, 4e11], ["5·10<sup>10</sup>", "10<sup>11</sup>", "2·10<sup>11</sup>"]),
        ([2.5e-7, 4e-6], ["5·10<sup>-7</sup>", "10<sup>-6</sup>", "2·10<sup>-6</sup>"]),
        ([0.01, 1.0], ["0.01", "0.03", "0.1", "0.3", "1"]),
    ],
)
def test_log_ticks_are_round_numbers_as_people_write_them(
    values: list[float], texts: list[str]
) -> None:
    assert log_axis(np.array(values))["ticktext"] == texts


def test_a_constant_has_an_axis_with_room_around_it() -> None:
    for axis in (log_axis(np.full(5, 0.1)), linear_axis(np.full(5, 0.1))):
        bottom, top = axis["range"]
        at = math.log10(0.1) if axis["type"] == "log" else 0.1
        assert bottom < at < top


def test_rounding_noise_below_a_gradient_does_not_stretch_the_axis() -> None:
    noisy = np.append(np.linspace(1.0, 3.0, 199), 1e-17)
    assert log_axis(noisy)["range"][0] > -1


def test_a_loss_that_falls_far_at_the_end_is_shown_to_its_end() -> None:
    falling = np.append(np.ones(190), np.geomspace(1.0, 1e-9, 10))
    assert log_axis(falling)["range"][0] < -9


def test_values_that_are_not_finite_or_not_positive_are_left_out() -> None:
    odd = np.array([math.nan, math.inf, -1.0, 0.0, 1.0, 10.0])
    assert log_axis(odd)["range"] == log_axis(np.array([1.0, 10.0]))["range"]


def test_a_guide_is_always_within_the_axis() -> None:
    assert log_axis(np.array([1.0]), 1e-3)["range"][0] < -3
