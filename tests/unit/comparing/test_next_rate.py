"""The rate to try next, by what a sweep has shown."""

from __future__ import annotations

import itertools
import math

import pytest
from trials import a_trial

from lrwatch.comparing.next_rate import next_rate
from lrwatch.comparing.standing import Siblings, Standing


def beside(own: tuple[float, float], *others: tuple[float, float]) -> Standing:
    """A run by its rate and final loss, beside others; all began at 4."""
    trials = [a_trial(f"{lr}", lr, float(loss)) for lr, loss in (own, *others)]
    return Siblings(trials).standing(trials[0])


def test_nothing_where_the_rate_is_good_or_unknown() -> None:
    found = beside((0.1, 1.0), (1.0, 2.0))
    assert next_rate(found, "ok", 0.3, "ok") is None
    assert next_rate(found, "unknown", 0.3, "ok") is None


def test_past_the_edge_where_the_last_rate_that_was_tried_is_best() -> None:
    found = beside((0.001, 3.0), (0.01, 2.0), (0.1, 1.0))
    assert next_rate(found, "too_low", None, "too_low") == pytest.approx(0.32)
    found = beside((10.0, 3.0), (1.0, 2.0), (0.1, 1.0))
    assert next_rate(found, "too_high", None, "too_high") == pytest.approx(0.032)


def test_the_edge_itself_where_its_neighbour_is_about_as_good() -> None:
    found = beside((0.001, 3.0), (0.03, 1.02), (0.1, 1.0))
    assert next_rate(found, "too_low", None, "too_low") == 0.1


def test_the_edge_itself_where_it_is_good() -> None:
    found = beside((10.0, 3.0), (1.0, 2.0), (0.1, 1.0))
    assert next_rate(found, "too_high", None, "ok") == 0.1
    assert next_rate(found, "too_high", None, "unknown") == pytest.approx(0.032)


def test_on_the_way_to_the_edge_where_that_goes_too_far() -> None:
    found = beside((10.0, 3.0), (0.001, 2.0))
    assert next_rate(found, "too_high", None, "too_low") == 0.1
    found = beside((0.001, 3.0), (10.0, 2.0))
    assert next_rate(found, "too_low", None, "too_high") == 0.1


def test_half_way_to_a_rate_a_long_way_off() -> None:
    found = beside((10.0, 3.0), (0.001, 2.0))
    assert next_rate(found, "too_high", None, "unknown") == 0.1
    found = beside((10.0, 3.0), (1.0, 2.0))
    assert next_rate(found, "too_high", None, "unknown") == 0.32


def test_between_worse_rates_it_is_interpolated() -> None:
    found = beside((10.0, 3.9), (1.0, 2.0), (0.1, 1.0), (0.01, 3.9))
    suggested = next_rate(found, "too_high", None, "too_high")
    assert suggested is not None
    assert 0.1 < suggested < math.sqrt(0.1 * 1.0)


def test_a_rate_that_comes_out_as_one_that_was_tried_is_that_one() -> None:
    found = beside((5.0, 3.9), (0.5, 2.0), (0.05, 1.0), (0.005, 2.04))
    assert next_rate(found, "too_high", None, "too_high") == 0.05


def test_half_a_decade_at_most_is_interpolated() -> None:
    found = beside((1e-5, 3.9), (0.1, 1.0), (1.0, 3.9), (1e-9, 2.0))
    assert next_rate(found, "too_low", None, "ok") == pytest.approx(0.032)


def test_close_neighbours_leave_nothing_to_interpolate() -> None:
    found = beside((10.0, 3.9), (0.2, 2.0), (0.1, 1.0), (0.05, 1.5))
    assert next_rate(found, "too_high", None, "too_high") == 0.1


def test_what_the_run_by_itself_suggests_holds_where_nothing_was_tried() -> None:
    found = beside((0.1, 2.0), (1.0, 3.9))
    assert next_rate(found, "too_high", 0.004, "unknown") == 0.004
    assert next_rate(found, "too_high", None, "too_high") == pytest.approx(0.032)


def test_never_a_rate_that_was_tried_and_found_worse() -> None:
    found = beside((0.1, 2.0), (0.01, 3.9), (1.0, 3.0))
    for kind, alone in itertools.product(("too_high", "too_low"), (None, 1e-4, 0.009, 1.1, 30.0)):
        suggested = next_rate(found, kind, alone, "unknown")  # type: ignore[arg-type]
        assert suggested is not None
        assert 0.01 < suggested < 1.0
        assert (suggested < 0.1) == (kind == "too_high")
