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
    looks = line_looks([run.view.key for run in comparison.runs])
    return compare_figure(comparison, looks, others, **options)


def _texts(figure: Any) -> str:
    return " | ".join(a["text"] for a in figure.to_dict()["layout"]["annotations"])


def test_every_panel_has_a_line_for_each_run_on_the_one_x_axis() -> None:
    figure = _draw(_comparison(a=curves(), b=curves()))
    assert [(t.name, t.yaxis) for t in figure.data if t.name] == [
        (name, axis) for axis in ("y", "y2", "y3", "y4") for name in ("a", "b")
    ]
    assert {trace.xaxis for trace in figure.data if trace.name} == {"x"}


@pytest.mark.parametrize(("theme", "colours"), [("light", LIGHT), ("dark", DARK)])
def test_a_run_has_one_look_in_every_panel(theme: str, colours: Any) -> None:
    hue, dash = line_looks(["a", "b"])["b"]
    drawn = _draw(_comparison(a=curves(), b=curves()), theme=theme).data
    looks = {(t.line.color, t.line.dash) for t in drawn if t.name == "b"}
    assert looks == {(colours.hues[hue], DASHES[dash])}


def test_twenty_runs_all_look_different_and_keep_their_hue_beside_others() -> None:
    keys = [f"run-{i}" for i in range(20)]
    looks = line_looks(keys)
    assert len(set(looks.values())) == 20
    assert all(line_looks([key])[key][0] == looks[key][0] for key in keys[:3])


def test_the_other_runs_lie_behind_and_say_nothing() -> None:
    figure = _draw(_comparison(a=curves()), curve("others"))
    behind = figure.data[0]
    assert (behind.name, behind.hoverinfo) == ("other runs", "skip")
    assert "other runs grey" in _texts(figure)
    assert _draw(_comparison(a=curves()), Curve("", np.empty(0), np.empty(0))).data[0].name == "a"


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
