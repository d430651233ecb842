from __future__ import annotations

import math

import pytest

from lrwatch.formats import count, duration, number


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [
        (None, 4, "–"),
        (math.nan, 4, "NaN"),
        (math.inf, 4, "inf"),
        (0.0, 4, "0"),
        (0.05, 3, "0.05"),
        (0.30000000000000004, 3, "0.3"),
        (3162.27766, 3, "3160"),
        (3162.27766, 2, "3200"),
        (0.00031622, 3, "0.000316"),
        (3.1622e-5, 3, "3.16e-5"),
        (1e-5, 3, "1e-5"),
        (2_500_000.0, 4, "2.5e6"),
        (100_000.0, 4, "100000"),
        (-1.25, 4, "-1.25"),
        (9.9999, 2, "10"),
        (1e300, 4, "1e300"),
    ],
)
def test_numbers_are_written_as_people_write_them(
    value: float | None, digits: int, text: str
) -> None:
    assert number(value, digits) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5.0, "0 ms"),
        (0.05, "50 ms"),
        (3.2, "3 s"),
        (119.0, "119 s"),
        (250.0, "4 min"),
        (9000.0, "2.5 h"),
        (200_000.0, "2.3 days"),
        (2e6, "23 days"),
    ],
)
def test_a_span_of_time_has_the_one_unit_that_fits(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_thousands_are_set_apart() -> None:
    assert count(1234567) == "1,234,567"
