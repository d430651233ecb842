from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from lrwatch_dashboard.address import (
    ChartView,
    compare_href,
    query,
    run_keys,
    steps_of,
    sweep_href,
)
from lrwatch_dashboard.views import StepTimes

CLOCK = StepTimes(np.array([0.0, 100.0]), np.array([0.0, 50.0]))


def test_an_address_without_words_shows_everything_as_usual() -> None:
    assert ChartView.of(query("")) == ChartView.of(None) == ChartView()


def test_every_word_of_the_address_is_read() -> None:
    view = ChartView.of(query("?x=time&y=linear&from=1.5&to=20&sm=100"))
    assert view == ChartView("time", "linear", (1.5, 20.0), 100)
    assert ChartView.of({"sm": "off"}).half_life == 0


@pytest.mark.parametrize(
    "words",
    [
        {"x": "elsewhere", "y": "cubic"},
        {"from": "1"},
        {"from": "5", "to": "5"},
        {"from": "nan", "to": "5"},
        {"from": "1", "to": "inf"},
        {"from": ["1"], "to": {}},
        {"sm": "-5"},
        {"sm": "0"},
        {"sm": "²"},
        {"sm": "many"},
    ],
)
def test_words_that_are_no_good_are_left_out(words: dict[str, Any]) -> None:
    assert ChartView.of(words) == ChartView()


def test_of_two_words_with_one_name_the_first_counts() -> None:
    assert query("?y=log&y=linear&q=a%20b") == {"y": "log", "q": "a b"}


@pytest.mark.parametrize(
    "keys", [["a"], ["sweep/a b", "b,c", "50%", "ü&x=1"], ["."], ["<b>", "a+b", "a\\b"]]
)
def test_a_link_to_a_comparison_leads_back_to_its_runs(keys: list[str]) -> None:
    path, _, search = compare_href(keys, keys[0]).partition("?")
    assert path == "/compare"
    assert run_keys(search) == keys
    assert query(search)["base"] == keys[0]


def test_a_run_that_is_named_twice_is_compared_once() -> None:
    assert run_keys("?runs=a,b,,a") == ["a", "b"]
    assert run_keys("?base=a") == run_keys(None) == []


def test_a_link_to_a_sweep_names_a_run_of_it() -> None:
    assert query(sweep_href("a b/c").partition("?")[2]) == {"group": "a b/c"}


def test_a_zoom_in_seconds_is_one_in_steps_by_the_clock() -> None:
    assert steps_of(ChartView("time", window=(10.0, 25.0)), CLOCK) == (20.0, 50.0)
    assert steps_of(ChartView("step", window=(10.0, 25.0)), CLOCK) == (10.0, 25.0)
    assert steps_of(ChartView("time"), CLOCK) is None


def test_a_zoom_beyond_the_end_of_a_run_or_without_a_clock_is_none() -> None:
    assert steps_of(ChartView("time", window=(60.0, 70.0)), CLOCK) is None
    no_clock = StepTimes(np.empty(0), np.empty(0))
    assert steps_of(ChartView("time", window=(1.0, 2.0)), no_clock) is None


def test_a_zoom_that_follows_ends_where_the_longest_run_does() -> None:
    view = ChartView.of({"last": "20"})
    assert view.ending_at([(100, CLOCK), (60, CLOCK), (None, CLOCK)]).window == (80.0, 100.0)
    timed = ChartView.of({"last": "20", "x": "time"})
    assert timed.ending_at([(100, CLOCK)]).window == (30.0, 50.0)
    assert timed.ending_at([(100, StepTimes(np.empty(0), np.empty(0)))]).window is None


def test_a_fixed_zoom_does_not_follow() -> None:
    view = ChartView.of({"from": "1", "to": "2", "last": "20"})
    assert view.ending_at([(100, CLOCK)]).window == (1.0, 2.0)


@pytest.mark.parametrize("text", ["0", "-5", "nan", "inf", "x", ""])
def test_a_width_that_is_none_is_left_out(text: str) -> None:
    assert ChartView.of({"last": text}).last is None
