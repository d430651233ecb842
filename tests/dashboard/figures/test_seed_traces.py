from __future__ import annotations

import numpy as np
import pytest
from lrwatch_dashboard.figures.compare_figure import quartiles, seed_traces
from lrwatch_dashboard.views import Curve


def flat(value: float, first: int = 0, last: int = 10) -> Curve:
    x = np.arange(first, last + 1.0)
    return Curve("loss", x, np.full(len(x), value))


def test_median_and_quartiles_are_taken_at_each_step() -> None:
    low, median, high = quartiles([flat(1.0), flat(2.0), flat(6.0)])
    assert set(median.y) == {2.0}
    assert (low.y[0], high.y[0]) == (1.5, 4.0)
    assert list(median.x) == list(range(11))


def test_a_run_that_ended_early_does_not_end_the_others() -> None:
    _, median, _ = quartiles([flat(1.0, last=5), flat(3.0), flat(3.0)])
    assert median.x[-1] == 10
    assert (median.y[0], median.y[-1]) == (3.0, 3.0)


def test_there_is_no_median_where_most_runs_have_no_value() -> None:
    _, median, _ = quartiles([flat(1.0), flat(2.0, last=3), flat(2.0, last=3)])
    assert median.x[-1] == 3


def test_lines_at_different_steps_are_read_between_their_points() -> None:
    one = Curve("loss", np.array([0.0, 10.0]), np.array([0.0, 10.0]))
    other = Curve("loss", np.array([0.0, 5.0, 10.0]), np.array([0.0, 5.0, 10.0]))
    _, median, _ = quartiles([one, other])
    assert median.y == pytest.approx(median.x)


def test_long_lines_give_a_median_of_few_points() -> None:
    low, median, high = quartiles([flat(1.0, last=50_000), flat(2.0, last=50_000)])
    assert len(low.x) == len(median.x) == len(high.x) == 400


def test_nothing_gives_nothing() -> None:
    empty = Curve("loss", np.empty(0), np.empty(0))
    assert [len(curve.x) for curve in quartiles([empty, empty])] == [0, 0, 0]
    assert [len(curve.x) for curve in quartiles([])] == [0, 0, 0]


def test_single_runs_lie_faint_behind_band_and_median() -> None:
    traces = seed_traces([flat(1.0), flat(2.0)], "red", "dot", name="rate 0.1")
    assert [t["name"] for t in traces] == ["one seed", "one seed", "quartiles", "rate 0.1"]
    assert all(t["opacity"] < 0.5 for t in traces[:3])
    assert traces[3]["line"] == {"color": "red", "width": 2, "dash": "dot"}
    assert traces[2]["fill"] == "toself"
