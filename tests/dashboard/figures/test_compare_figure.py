from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from dashboard_views import curve, curves, run_view
from lrwatch_dashboard.address import ChartView
from lrwatch_dashboard.comparison_views import SideBySide
from lrwatch_dashboard.data.comparison import compare_runs
from lrwatch_dashboard.figures import compare_figure
from lrwatch_dashboard.theme import DARK, DASHES, LIGHT, line_looks
from lrwatch_dashboard.views import Curve, RunCurves, StepTimes

CLOCK = StepTimes(np.array([0.0, 99.0]), np.array([0.0, 198.0]))


def _comparison(**lines: RunCurves | None) -> SideBySide:
    return compare_runs([run_view(key, clock=CLOCK) for key in lines], lines)


def _draw(comparison: SideBySide, others: Curve | None = None, **options: Any) -> Any:
    looks = line_looks([run.view.key for run in comparison.runs], {})
    return compare_figure(comparison, looks, others, **options)


def _texts(figure: Any) -> str:
    return " | ".join(a["text"] for a in figure.to_dict()["layout"]["annotations"])


def test_every_panel_has_a_line_for_each_run_on_the_one_x_axis() -> None:
    figure = _draw(_comparison(a=curves(), b=curves()))
    assert [(t.name, t.yaxis) for t in figure.data if t.name] == [
        (name, axis) for axis in ("y", "y2", "y3", "y4") for name in ("a", "b")
    ]
    assert {trace.xaxis for trace in figure.data if trace.name} == {"x"}


@pytest.mark.slow
@pytest.mark.parametrize(("theme", "colours"), [("light", LIGHT), ("dark", DARK)])
def test_a_run_has_one_look_in_every_panel(theme: str, colours: Any) -> None:
    hue, dash = line_looks(["a", "b"], {})["b"]
    drawn = _draw(_comparison(a=curves(), b=curves()), theme=theme).data
    looks = {(t.line.color, t.line.dash) for t in drawn if t.name == "b"}
    assert looks == {(colours.hues[hue], DASHES[dash])}


def test_up_to_eight_runs_have_a_hue_each_and_more_are_coloured_by_rate() -> None:
    keys = [f"run-{i}" for i in range(20)]
    few = line_looks(keys[:8], {})
    assert len({hue for hue, _ in few.values()}) == len(LIGHT.hues) == 8
    assert line_looks(keys[:1], {})[keys[0]] == few[keys[0]]
    many = line_looks(keys, {key: 10.0 ** (i // 2) for i, key in enumerate(keys)})
    assert len(set(many.values())) == 20
    hues = [many[key][0] for key in keys]
    assert hues == sorted(hues)
    assert (hues[0], hues[-1]) == (8, 16)
    alike = line_looks(keys, dict.fromkeys(keys, 0.1))
    assert {LIGHT.line_colour(hue) for hue, _ in alike.values()} == {LIGHT.scale[4]}


@pytest.mark.slow
def test_a_metric_has_a_line_for_each_run_that_has_it_and_few_values_are_points() -> None:
    with_it = curves(own=(curve("val/<i>", n=9),))
    names = ["val/<i>", "nobody"]
    views = [run_view(key) for key in ("a", "b")]
    figure = _draw(compare_runs(views, {"a": with_it, "b": curves()}, own=names))
    drawn = [(t.name, t.mode) for t in figure.data if t.yaxis == "y5" and len(t.x)]
    assert drawn == [("a", "lines+markers")]
    assert "val/&lt;i&gt;" in _texts(figure)
    assert "1 without it" in _texts(figure)
    assert "None of these runs recorded it" in _texts(figure)


@pytest.mark.slow
def test_rates_that_never_changed_are_left_to_the_table() -> None:
    steady = curves(lr=(curve("", y=np.full(100, 0.1)),), is_steady=True)
    figure = _draw(_comparison(a=steady, b=steady))
    assert not [trace for trace in figure.data if trace.yaxis == "y2"]
    assert "see the table" in _texts(figure)


@pytest.mark.slow
def test_the_other_runs_lie_behind_and_say_nothing() -> None:
    figure = _draw(_comparison(a=curves()), curve("others"))
    behind = figure.data[0]
    assert (behind.name, behind.hoverinfo) == ("other runs", "skip")
    assert "other runs grey" in _texts(figure)
    assert _draw(_comparison(a=curves()), Curve("", np.empty(0), np.empty(0))).data[0].name == "a"


@pytest.mark.slow
def test_a_run_that_blew_up_leaves_the_frame_to_the_others() -> None:
    wild = curves(smooth_loss=curve("smoothed", y=np.geomspace(1, 1e30, 100)))
    figure = _draw(_comparison(a=curves(), b=curves(), c=wild))
    assert figure.layout.yaxis.range[1] < 6
    assert "1 out of frame" in _texts(figure)


def test_time_counts_from_each_runs_first_step() -> None:
    view = ChartView("time", window=(20.0, 100.0))
    figure = _draw(_comparison(a=curves()), view=view)
    assert figure.data[0].x[-1] == 198.0
    assert list(figure.layout.xaxis.range) == [20.0, 100.0]
    assert "1 min" in figure.layout.xaxis.ticktext
    assert "time" in figure.layout.xaxis.title.text


def test_a_run_without_times_is_left_out_by_time() -> None:
    timeless = compare_runs(
        [run_view("a"), run_view("b", clock=CLOCK)], dict.fromkeys("ab", curves())
    )
    assert {t.name for t in _draw(timeless, view=ChartView("time")).data if t.name} == {"b"}


@pytest.mark.parametrize(("y", "kind"), [("auto", "log"), ("log", "log"), ("linear", "linear")])
def test_the_scale_is_the_one_that_is_asked_for(y: Any, kind: str) -> None:
    figure = _draw(_comparison(a=curves()), view=ChartView(y=y))
    assert {figure.layout.yaxis.type, figure.layout.yaxis3.type} == {kind}


def test_a_loss_below_zero_gets_a_linear_axis() -> None:
    below = curves(smooth_loss=curve("smoothed", y=np.linspace(1, -1, 100)))
    assert _draw(_comparison(a=below)).layout.yaxis.type == "linear"


def test_runs_that_cannot_be_read_leave_sentences() -> None:
    figure = _draw(_comparison(a=None))
    assert not figure.data
    assert "No loss recorded in these runs" in _texts(figure)


def test_names_are_text() -> None:
    lines = {"<b>x</b>": curves()}
    figure = _draw(compare_runs([run_view("<b>x</b>")], lines))
    assert figure.data[0].name == "&lt;b&gt;x&lt;/b&gt;"
