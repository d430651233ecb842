from __future__ import annotations

import dataclasses
import math
from typing import Any

import pytest
from dashboard_views import a_diagnosis, run_view
from lrwatch_dashboard.comparison_views import RateResult, SweepRun, SweepView
from lrwatch_dashboard.data.sweeps import SweepMeasure, by_metric
from lrwatch_dashboard.figures import sweep_figure
from lrwatch_dashboard.own_metrics import MetricSummary
from lrwatch_dashboard.theme import DARK, LIGHT

from lrwatch.comparing import RateChoice, choose_rate


def _run(key: str, verdict: str, lr: float, loss: float | None, **changes: Any) -> SweepRun:
    state = {"state": "finished", "diagnosis": a_diagnosis(verdict)}
    return SweepRun(run_view(key, **{**state, **changes}), lr, loss)


RUNS = (
    _run("low", "too_low", 0.001, 1.8),
    _run("a/b", "ok", 0.1, 1.0, name="good <i>", state="running"),
    _run("seed", "ok", 0.1, 1.2),
    _run("gone", "diverging", 3.0, None),
    _run("far", "diverging", 1.0, 1e20),
)
RATES = (
    RateResult(0.001, 1.8, 1.8, 1.8, 1, 0),
    RateResult(0.1, 1.1, 1.05, 1.15, 2, 0),
    RateResult(1.0, 1e20, 1e20, 1e20, 1, 0),
    RateResult(3.0, math.inf, math.inf, math.inf, 1, 1),
)
CHOICE = RateChoice(RATES, 0.1, (0.1, 0.1), "0.1 is best")
SWEEP = SweepView("all runs", RUNS, CHOICE)


def _choosing(**changes: Any) -> SweepView:
    return dataclasses.replace(SWEEP, choice=dataclasses.replace(CHOICE, **changes))


def _trace(figure: Any, name: str) -> Any:
    return next(trace for trace in figure.data if trace.name == name)


def test_marks_have_the_shape_and_colour_of_the_verdict_and_lead_to_the_run() -> None:
    for theme, colours in (("light", LIGHT), ("dark", DARK)):
        figure = sweep_figure(SWEEP, theme=theme)
        low, healthy = _trace(figure, "too low"), _trace(figure, "healthy")
        assert (low.marker.symbol, low.marker.color) == ("triangle-down", colours.marks["down"])
        assert healthy.marker.symbol == "circle"
        assert list(healthy.customdata) == ["/run/a/b", "/run/seed"]


def test_runs_without_a_loss_or_far_above_stand_on_the_frame() -> None:
    figure = sweep_figure(SWEEP)
    top = 10 ** figure.layout.yaxis.range[1]
    drawn = list(_trace(figure, "diverging").y)
    assert drawn == pytest.approx([top, top], rel=1e-3)
    assert max(drawn) < top  # on the frame itself rounding may hide them
    assert top < 1e3
    assert figure.layout.yaxis.title.text == "final loss; 1 above the frame"
    near = dataclasses.replace(SWEEP, runs=RUNS[:-1])
    assert sweep_figure(near).layout.yaxis.title.text == "final loss"


@pytest.mark.parametrize(("rate", "side"), [(0.002, "left"), (300.0, "right")])
def test_the_rate_to_try_is_named_away_from_the_best_marks_and_the_edge(
    rate: float, side: str
) -> None:
    figure = sweep_figure(dataclasses.replace(SWEEP, next_rate=rate))
    (named,) = figure.layout.annotations
    assert named.text == f"try {rate:g}"
    assert named.y > 0.5
    assert named.xanchor == side


def test_every_mark_is_drawn_whatever_the_losses() -> None:
    rates, losses = (1e-5, 0.1, 3.0, 10.0), (2.3, 0.31, 1e6, None)
    runs = tuple(_run(str(lr), "ok", lr, loss) for lr, loss in zip(rates, losses, strict=True))
    choice = choose_rate((run.lr, run.loss or math.nan) for run in runs)
    for y in ("auto", "linear"):
        figure = sweep_figure(SweepView("four", runs, choice), y=y)
        drawn = _trace(figure, "healthy")
        assert list(drawn.x) == list(rates)
        axes = [(figure.layout.xaxis, drawn.x), (figure.layout.yaxis, drawn.y)]
        for axis, values in axes:
            places = [math.log10(v) if axis.type == "log" else v for v in values]
            assert axis.range[0] < min(places) < max(places) < axis.range[1]


def test_of_a_metric_of_which_more_is_better_the_worst_stand_at_the_bottom() -> None:
    metrics = {key: MetricSummary(n=9, last=v, high=v) for key, v in (("a", 0.5), ("b", 0.9))}
    runs = tuple(_run(key, "ok", lr, 1.0) for lr, key in ((0.01, "a"), (0.1, "b"), (1.0, "c")))
    views = {k: {"val/acc": summary} for k, summary in metrics.items()}
    runs = tuple(
        dataclasses.replace(r, view=dataclasses.replace(r.view, metrics=views.get(r.view.key, {})))
        for r in runs
    )
    sweep = SweepView("all", runs, CHOICE)
    objective = SweepMeasure.of({"by": "val/acc", "loss": "best"})
    found = by_metric(sweep, objective)
    assert not found.is_least
    assert [rate.median for rate in found.choice.rates] == [0.5, 0.9]
    assert found.choice.best == 0.1
    figure = sweep_figure(found, what=objective.label)
    assert figure.layout.yaxis.title.text == "best val/acc"
    low, high = figure.layout.yaxis.range
    (absent,) = _trace(figure, "not compared").y
    assert low < absent < low + 0.01 * (high - low)
    assert "never logged val/acc" in _trace(figure, "not compared").text[0]
    assert by_metric(sweep, SweepMeasure.of({"by": "val/acc", "goal": "min"})).choice.best == 0.01
    assert "No run has logged" in by_metric(sweep, SweepMeasure.of({"by": "x"})).choice.reason


def test_many_kinds_of_marks_have_rows_for_their_names_on_a_telephone() -> None:
    verdicts = ("ok", "diverging", "oscillating", "too_low", "insufficient_data")
    runs = tuple(_run(v, v, 10.0**-i, 1.0) for i, v in enumerate(verdicts))
    few, many = (
        sweep_figure(SweepView("a", some, choose_rate((r.lr, r.loss or 0.0) for r in some))).layout
        for some in (runs[:2], runs)
    )
    assert many.margin.t - few.margin.t == many.height - few.height == 2 * 19


def test_the_median_is_a_line_with_the_quartiles_around_it() -> None:
    figure = sweep_figure(SWEEP)
    assert list(_trace(figure, "median").y) == [1.8, 1.1]
    assert list(_trace(figure, "quartiles").y) == [1.8, 1.15, 1.05, 1.8]


def test_single_runs_have_no_quartiles() -> None:
    single = _choosing(rates=RATES[:1] * 2)
    assert "quartiles" not in {trace.name for trace in sweep_figure(single).data}


def test_the_band_and_the_best_rate_are_drawn_where_there_are_any() -> None:
    band, best = sweep_figure(SWEEP).layout.shapes
    assert band.x0 < 0.1 < band.x1
    assert best.x0 == best.x1 == 0.1
    assert not sweep_figure(_choosing(band=None, best=None)).layout.shapes


def test_both_axes_are_logarithmic_unless_the_loss_is_below_zero_or_it_is_asked_for() -> None:
    layout = sweep_figure(SWEEP).layout
    assert (layout.xaxis.type, layout.yaxis.type) == ("log", "log")
    assert sweep_figure(SWEEP, y="linear").layout.yaxis.type == "linear"
    below = dataclasses.replace(SWEEP, runs=(dataclasses.replace(RUNS[0], loss=-1.0),))
    assert sweep_figure(below).layout.yaxis.type == "linear"


def test_a_sweep_without_any_loss_is_drawn() -> None:
    figure = sweep_figure(SweepView("all runs", RUNS[3:4], RateChoice(RATES[3:], None, None, "no")))
    assert len(figure.data) == 1


def test_names_are_text_in_the_hover() -> None:
    said = _trace(sweep_figure(SWEEP), "healthy").text[0]
    assert "good &lt;i&gt;" in said
    assert "still running" in said
