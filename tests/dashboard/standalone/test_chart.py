from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping
from typing import Any
from xml.etree.ElementTree import Element, tostring

import numpy as np
import plotly.graph_objects as go
import pytest
from dashboard_views import a_diagnosis, curve, curves
from lrwatch_dashboard.app import create_app
from lrwatch_dashboard.data import RunStore
from lrwatch_dashboard.figures import message_figure, run_figure
from lrwatch_dashboard.standalone.chart import chart
from lrwatch_dashboard.theme import DARK, LIGHT
from stores import write_run

pytestmark = pytest.mark.slow  # `make test` runs it, `make check` does not

LAYOUT = {
    "height": 300,
    "margin": {"l": 50, "r": 10, "t": 20, "b": 30},
    "xaxis": {"range": [0, 10], "tickvals": [0, 5, 99], "ticktext": ["0", "5", "99"]},
    "yaxis": {"type": "log", "range": [-1, 1], "tickvals": [1], "ticktext": ["1"]},
}


def figure(trace: Mapping[str, object], **changes: object) -> go.Figure:
    grid = {"gridcolor": "red"}
    layout = LAYOUT | {name: {**LAYOUT[name], **grid} for name in ("xaxis", "yaxis")}  # type: ignore[dict-item]
    line = {"color": "blue", "width": 2}
    whole = {"type": "scatter", "mode": "lines", "line": line, **trace}
    return go.Figure([whole], {**layout, **changes})


def path(element: Element) -> str:
    found = element.find(".//path")
    assert found is not None
    return found.get("d", "")


def texts(element: Element, look: str) -> list[str]:
    return ["".join(e.itertext()) for e in element.iter() if e.get("class") == look]


def test_points_lie_where_their_values_say_on_a_straight_and_a_logarithmic_axis() -> None:
    drawn = chart(figure({"x": np.array([0.0, 5.0, 10.0]), "y": np.array([0.1, 1.0, 10.0])}))
    assert path(drawn) == "M0 1000L500 500L1000 0"


def test_what_is_no_number_is_a_gap() -> None:
    drawn = chart(figure({"x": [0, 5, 10, 10], "y": [1.0, float("nan"), 1.0, 10.0]}))
    assert path(drawn) == "M0 500M1000 500L1000 0"


def test_a_stepped_line_goes_across_and_then_up() -> None:
    line = {"shape": "hv", "color": "blue", "width": 1}
    assert path(chart(figure({"x": [0, 10], "y": [1, 10], "line": line}))) == "M0 500H1000V0"


def test_only_ticks_within_the_range_are_written() -> None:
    drawn = chart(figure({"x": [0], "y": [1]}))
    assert texts(drawn, "still-x") == ["0", "5"]
    assert texts(drawn, "still-y") == ["1"]


def test_a_tick_without_a_text_is_written_as_a_number() -> None:
    axis = {"range": [3, 5], "tickvals": [4], "gridcolor": "red"}  # that of a run of one step
    drawn = chart(figure({"x": [4], "y": [1]}, xaxis=axis))
    assert texts(drawn, "still-x") == ["4"]


def test_the_text_of_a_figure_keeps_its_emphasis_and_nothing_else() -> None:
    note = {"text": "<b>Loss</b>  <a href='x'>&lt;b&gt;</a>", "xref": "paper", "x": 0, "y": 1}
    drawn = chart(figure({"x": [0], "y": [1]}, annotations=[note]))
    written = tostring(drawn, encoding="unicode", method="html")
    assert "<b>Loss</b>  &lt;b&gt;" in written
    assert "href" not in written


def test_a_mark_is_the_shape_of_the_pages_and_outside_the_frame_there_is_none() -> None:
    marker = {"symbol": "triangle-up", "color": "red", "size": 9}
    trace = {"mode": "markers", "marker": marker, "x": [5, 99], "y": [1, 1], "text": ["a<br>b", ""]}
    marks = [e for e in chart(figure(trace)).iter() if "still-mark" in e.get("class", "")]
    assert len(marks) == 1
    assert "mark-up" in marks[0].get("class", "")
    assert marks[0].get("title") == "a; b"
    assert "left:50.00%;top:50.00%" in marks[0].get("style", "")


def test_points_are_as_large_as_on_the_page_and_marks_of_verdicts_as_everywhere() -> None:
    trace = {"mode": "lines+markers", "x": [5], "y": [1]}
    drawn = chart(figure(trace | {"marker": {"color": "red", "size": 5}}))
    (point,) = [e for e in drawn.iter() if "still-mark" in e.get("class", "")]
    assert "width:5px;height:5px" in point.get("style", "")


def test_a_legend_above_a_chart_covers_none_of_it() -> None:
    legend = {"yref": "container", "y": 1, "yanchor": "top"}
    trace = {"x": [0, 10], "y": [1, 10], "name": "too low", "showlegend": True}
    drawn = chart(figure(trace, legend=legend))
    (names,) = [e for e in drawn.iter() if "still-legend" in e.get("class", "")]
    assert names.get("style") == "top:-20px"
    assert "".join(names.itertext()) == "too low"


def test_the_steps_are_written_below_the_first_of_many_panels_as_well() -> None:
    drawn = chart(run_figure(curves(), theme="variables"))
    places = [e.get("style", "") for e in drawn.iter() if e.get("class") == "still-x"]
    assert len(places) == 2 * len({place.partition(";")[0] for place in places})
    assert sum("top:100.00%" in place for place in places) == len(places) // 2


def test_the_chart_of_a_run_has_all_its_panels_its_shade_and_colours_of_both_themes() -> None:
    broken = dataclasses.replace(
        curves(clipped=curve("after clipping", y=np.full(100, 0.5))),
        broken=np.array([60.0]),
        n_broken=1,
        first_broken=60,
    )
    drawn = chart(run_figure(broken, a_diagnosis(), theme="variables"))
    written = tostring(drawn, encoding="unicode", method="html")
    for title in ("Loss", "Learning rate", "Gradient norm", "Update / weight"):
        assert f"<b>{title}</b>" in written
    assert written.count("<rect") == 4
    assert drawn.get("role") == "img"
    assert "Gradient norm  before and after clipping" in drawn.get("aria-label", "")
    assert "not finite at step 60" in written
    assert texts(drawn, "still-legend still-names") == ["after clippinggradient norm"]
    assert "var(--hue0)" in written
    assert not set(re.findall(r"#[0-9A-Fa-f]{6}", written)) & {*LIGHT.hues, *DARK.hues}


def test_a_figure_without_axes_is_its_sentence() -> None:
    drawn = chart(message_figure("No <run> yet", theme="variables"))
    assert texts(drawn, "still-note-above") == ["No <run> yet"]


@pytest.mark.parametrize(
    ("trace", "changes", "said"),
    [
        ({"type": "bar"}, {}, "trace 'bar' of a figure; it draws scatter"),
        ({"mode": "lines+text"}, {}, "mode 'text'"),
        ({"fill": "tozeroy"}, {}, "fill 'tozeroy'"),
        ({"line": {"shape": "spline"}}, {}, "line shape 'spline'"),
        ({"line": {"dash": "longdash"}}, {}, "dash 'longdash'"),
        ({"mode": "markers", "marker": {"symbol": "star"}}, {}, "mark 'star'"),
        ({}, {"shapes": [{"type": "circle"}]}, "shape 'circle' of a figure; it draws line, rect"),
        ({}, {"sliders": [{"active": 0}]}, "part 'sliders' of a figure; leave it out"),
    ],
)
def test_what_would_be_missing_is_refused(
    trace: dict[str, object], changes: dict[str, object], said: str
) -> None:
    known = {} if trace.get("type") == "bar" else {"mode": "lines"}
    drawn = go.Figure([{"type": "scatter", "x": [1], "y": [1], **known, **trace}], changes)
    with pytest.raises(ValueError, match=re.escape(said)):
        chart(drawn)


@pytest.mark.parametrize("search", ["", "y=linear", "sm=off", "x=time", "from=50&to=200"])
def test_all_that_the_pages_draw_is_drawn(reports: Any, search: str) -> None:
    pages = ["run/sgd-0", "run/range", "run/broken", "run/bare", "sweep?group=range", "sweep?"]
    pages += ["sweep?loss=best", "compare?group=sgd-0", "compare?group=sgd-0&seeds=band"]
    pages += ["compare?group=sgd-0&seeds=band&others=off", "compare?runs=gone,broken,range"]
    for page in pages:
        answer = reports.get(f"/report/{page}{'&' if '?' in page else '?'}{search}")
        assert answer.status_code == 200, page
        assert "<svg" in answer.text


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Return a client of a store that has what the figures tell apart."""
    folder = tmp_path_factory.mktemp("runs")
    steps = range(300)
    loss = [2.0 / (1 + step / 50) + 0.1 * math.sin(step) for step in steps]
    norms = {name: [1.0] * 300 for name in ("grad_norm", "grad_norm_clipped", "param_norm")}
    norms |= {"update_norm": [0.1] * 300}
    for i in range(6):
        values = {"loss": [x + i / 9 for x in loss], "lr": [0.01 * 3 ** (i // 2)] * 300, **norms}
        write_run(folder, f"sgd-{i}", steps=steps, values=values)
    rising = [1e-5 * 10 ** (step / 60) for step in steps]
    write_run(folder, "range", steps=steps, values={"loss": loss, "lr": rising, **norms})
    bad = [*loss[:200], *[math.nan] * 100]
    write_run(folder, "broken", steps=steps, values={"loss": bad, "lr": [9.0] * 300})
    write_run(folder, "bare", steps=range(3), values={"loss": [1.0, -1.0, 0.0]})
    store = RunStore(folder, threaded=False)
    store.refresh()
    return create_app(store).server.test_client()
