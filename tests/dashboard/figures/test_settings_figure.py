"""Settings against results: numbers by size, texts by order, and names that are text."""

from __future__ import annotations

from typing import Any
from xml.etree.ElementTree import tostring

from dashboard_views import curves, run_view
from lrwatch_dashboard.comparison_views import SettingPoint, SideBySide
from lrwatch_dashboard.data.comparison import compare_runs
from lrwatch_dashboard.data.setting_points import (
    chosen_pair,
    results_of,
    setting_points,
    settings_of,
)
from lrwatch_dashboard.figures import parallel_figure, scatter_figure
from lrwatch_dashboard.own_metrics import MetricSummary
from lrwatch_dashboard.standalone.chart import chart
from lrwatch_dashboard.theme import LIGHT

LOOKS = {"a": (0, 0), "b": (1, 1), "c": (9, 2)}


def point(key: str, *values: Any, result: float | None = 1.0) -> SettingPoint:
    return SettingPoint(key, f"<{key}>", values, result)


def test_numbers_lie_by_size_and_texts_in_order() -> None:
    points = [point("a", 1e-4, result=0.5), point("b", 0.1, result=0.9), point("c", 1, result=None)]
    figure = scatter_figure(points, LOOKS, ("lr", "val/<acc>"))
    (marks,) = figure.data
    assert (list(marks.x), list(marks.y)) == ([1e-4, 0.1], [0.5, 0.9])  # the third has no result
    assert figure.layout.xaxis.type == "log"
    assert figure.layout.yaxis.title.text == "val/&lt;acc&gt;"
    assert marks.text[0].startswith("<b>&lt;a&gt;</b>")
    texts = scatter_figure(
        [point("a", "sgd"), point("b", True), point("c", None)], LOOKS, ("x", "y")
    )
    assert list(texts.layout.xaxis.ticktext) == ["True", "sgd", "–"]
    assert list(texts.data[0].x) == [1, 0, 2]
    assert not scatter_figure([], LOOKS, ("x", "y")).data
    drawn = tostring(chart(figure), encoding="unicode")  # in a report each has its colour as well
    assert f"--mark:{LIGHT.hues[0]}" in drawn
    assert f"--mark:{LIGHT.hues[1]}" in drawn


def test_each_run_is_a_line_from_least_to_greatest() -> None:
    points = [point("a", 64, 0.1, result=3.0), point("b", 128, 0.1, result=1.0)]
    figure = parallel_figure(points, LOOKS, ["width", "depth", "loss"])
    assert [list(line.y) for line in figure.data] == [[0, 0.5, 1], [1, 0.5, 0]]
    assert figure.layout.xaxis.ticktext[0] == "64<br>width"
    assert figure.layout.annotations[0].text == "128"
    chart(figure)  # a report can draw it


def comparison() -> SideBySide:
    metrics = {"acc": MetricSummary(n=3, last=0.75)}
    views = (
        run_view("a", lr=0.1, config={"lr": 0.1, "width": 64}, metrics=metrics),
        run_view("b", lr=0.3, config={"lr": 0.3, "width": 128}),
    )
    return compare_runs(views, {"a": curves(), "b": curves()})


def test_the_rate_is_one_of_the_settings_once_and_an_address_chooses() -> None:
    found = comparison()
    assert found.rate_setting == "lr"
    assert settings_of(found) == ["lr", "width"]
    assert results_of(found) == ["last loss", "best loss", "acc"]
    assert chosen_pair(found, {"sx": "width", "sy": "acc"}) == ("width", "acc")
    assert chosen_pair(found, {"sx": "nothing", "sy": "<b>"}) == ("lr", "last loss")
    points = setting_points(found, ["lr", "width"], "acc")
    assert [(p.values, p.result) for p in points] == [((0.1, 64), 0.75), ((0.3, 128), None)]
