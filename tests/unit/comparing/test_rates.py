from __future__ import annotations

import math
from collections.abc import Mapping

import pytest

from lrwatch.comparing import choose_rate, flat_settings


def trials(losses: Mapping[float, float | list[float]]) -> list[tuple[float, float]]:
    return [
        (lr, loss)
        for lr, ended in losses.items()
        for loss in (ended if isinstance(ended, list) else [ended])
    ]


def test_the_rate_with_the_least_loss_is_best_and_its_equals_are_the_band() -> None:
    choice = choose_rate(trials({0.01: 2.0, 0.1: 1.015, 0.3: 1.0, 1.0: 1.019, 3.0: math.nan}))
    assert (choice.best, choice.band) == (0.3, (0.1, 1.0))
    assert choice.reason == "0.3 is best, at a final loss of 1; 0.1 to 1 end within 2 % of it"


def test_a_best_rate_of_its_own_asks_for_rates_beside_it() -> None:
    choice = choose_rate(trials({0.01: 2.0, 0.1: 1.0, 1.0: 1.5}))
    assert (choice.best, choice.band) == (0.1, (0.1, 0.1))
    assert choice.reason.endswith("so try some between 0.01 and 1")


def test_the_band_ends_where_a_rate_in_between_does_worse() -> None:
    losses = {0.001: 1.0, 0.01: 1.5, 0.1: 0.999, 1.0: 1.01, 10.0: 9.0}
    assert choose_rate(trials(losses)).band == (0.1, 1.0)


@pytest.mark.parametrize(
    ("losses", "said"),
    [
        ({0.1: 1.0, 0.2: 2.0, 0.3: 3.0}, "is the lowest that was tried; widen the sweep downwards"),
        ({0.1: 3.0, 0.2: 2.0, 0.3: 1.0}, "is the highest that was tried; widen the sweep upwards"),
        ({0.1: 1.0, 0.2: 2.0}, "No band yet: 3 rates are needed, and 2 tried; of the two 0.1"),
        ({0.1: 1.0}, "No band yet: 3 rates are needed, and 1 tried"),
        ({0.1: math.nan, 0.2: math.inf}, "No rate ended with a finite loss; try lower ones"),
        ({}, "No run has a loss yet"),
    ],
)
def test_no_band_is_given_where_none_can_be_known(losses: dict[float, float], said: str) -> None:
    choice = choose_rate(trials(losses))
    assert choice.band is None
    assert said in choice.reason


def test_a_rate_that_broke_lies_beyond_the_best_which_is_then_at_no_edge() -> None:
    assert choose_rate(trials({0.01: 2.0, 0.1: 1.0, 1.0: math.inf})).band == (0.1, 0.1)


def test_seeds_are_a_median_with_quartiles_and_their_spread_widens_the_band() -> None:
    losses = {
        0.01: [3.0, 3.0, 3.0],
        0.1: [0.9, 1.0, 1.2],
        0.3: [1.1, 1.1, 1.1],
        1.0: [2.0, 2.0, math.nan],
    }
    choice = choose_rate(trials(losses))
    best = choice.rates[1]
    assert (best.median, best.low, best.n_runs) == (1.0, 0.95, 3)
    assert best.high == pytest.approx(1.1)
    assert choice.band == (0.1, 0.3)
    assert choice.reason.endswith("within 2 % of it or the spread of seeds")
    assert (choice.rates[3].median, choice.rates[3].n_broken) == (2.0, 1)


def test_a_rate_at_which_most_seeds_broke_does_not_win() -> None:
    losses: dict[float, float | list[float]] = {
        0.01: 2.0,
        0.1: 1.0,
        1.0: [0.1, math.nan, math.nan],
        3.0: 4.0,
    }
    assert choose_rate(trials(losses)).best == 0.1


def test_a_loss_below_zero_is_compared_by_its_size() -> None:
    assert choose_rate(trials({0.1: -1.0, 0.2: -2.0, 0.3: -1.99, 0.4: 0.0})).band == (0.2, 0.3)


def test_rates_that_differ_by_rounding_are_one() -> None:
    noisy = [(0.1, 1.0), (0.10000000149, 3.0)]
    assert [rate.median for rate in choose_rate(noisy).rates] == [2.0]


def test_nested_settings_are_flat_and_lists_stay() -> None:
    assert flat_settings({"a": {"b": {"c": 1}, "d": [1]}, "e": {}}) == {
        "a.b.c": 1,
        "a.d": [1],
        "e": {},
    }
