"""The chart of the Sweep page: where runs ended against their learning rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from lrwatch.formats import count, number
from lrwatch_dashboard.address import YScale, run_href
from lrwatch_dashboard.comparison_views import RateResult, SweepRun, SweepView
from lrwatch_dashboard.figures.against_rate import against_rate, rate_band, rate_line
from lrwatch_dashboard.figures.axes import linear_axis, log_axis
from lrwatch_dashboard.figures.legends import names_px
from lrwatch_dashboard.figures.own_panels import metric_axis
from lrwatch_dashboard.figures.panel import escape
from lrwatch_dashboard.theme import MARK_LABELS, MARKS, Palette, look, palette

__all__ = ["sweep_figure"]

_NARROW_PX: Final = 300  # of the chart on a screen of 420
_HAIR: Final = 1e-4  # of the axis
_NOT_COMPARED: Final = 0.6
_CLEAR_PX: Final = 26  # between the names and a mark on the frame
_FAR: Final = 1e3  # times the best loss, from where on a run stands on the frame
_QUARTILES_OPACITY: Final = 0.14
_SYMBOLS: Final = {
    "cross": "x",
    "up": "triangle-up",
    "down": "triangle-down",
    "ring": "circle-open-dot",
    "disc": "circle",
}


def sweep_figure(
    sweep: SweepView, *, theme: str | None = None, y: YScale = "auto", what: str = "final loss"
) -> go.Figure:
    """Draw one sweep, measured by `what`.

    A ``y`` of ``auto`` is a log axis where every loss is positive.
    """
    colours = palette(theme)
    axis = _loss_axis(sweep, y)
    # A hair within the frame: on it, rounding may hide a mark.
    low, high = axis["range"]
    edge = high - _HAIR * (high - low) if sweep.is_least else low + _HAIR * (high - low)
    worst = 10.0**edge if axis["type"] == "log" else edge
    figure = go.Figure()
    for trace in (*_rates(sweep, colours, worst), *_marks(sweep, colours, worst)):
        figure.add_trace(trace)
    layout = _layout(sweep, colours, axis, escape(what) + _beyond(sweep, worst))
    names = [trace.name for trace in figure.data if trace.showlegend is not False]
    rows = names_px(names, _NARROW_PX)
    layout["height"] += rows + _CLEAR_PX - layout["margin"]["t"]
    layout["margin"]["t"] = rows + _CLEAR_PX
    layout["legend"] |= {"yref": "container", "y": 1, "yanchor": "top"}
    return figure.update_layout(layout)


def _loss_axis(sweep: SweepView, y: YScale) -> dict[str, Any]:
    losses = np.array([run.loss for run in sweep.runs if run.loss is not None])
    if not len(losses):
        return linear_axis(np.array([0.0, 1.0]))
    if not sweep.is_least:
        return metric_axis(losses, y)
    best = float(losses.min())
    kept = losses[losses <= _FAR * best] if best > 0 else losses
    return log_axis(kept) if best > 0 and y != "linear" else linear_axis(kept)


def _rates(sweep: SweepView, colours: Palette, worst: float) -> list[dict[str, Any]]:
    """Return the median over seeds as a line, and their quartiles as a band around it."""
    within = min if sweep.is_least else max
    rates: Sequence[RateResult] = sweep.choice.rates
    shown = [
        rate
        for rate in rates
        if math.isfinite(rate.median) and within(rate.median, worst) == rate.median
    ]
    if len(shown) < 2:  # noqa: PLR2004  a line has two ends
        return []
    x = [rate.lr for rate in shown]
    line = {"color": colours.muted, "width": 1.5}
    common = {"type": "scatter", "hoverinfo": "skip", "showlegend": False}
    traces: list[dict[str, Any]] = []
    if any(rate.n_runs > 1 for rate in shown):
        highs = [within(rate.high, worst) if sweep.is_least else rate.high for rate in shown]
        lows = [rate.low if sweep.is_least else within(rate.low, worst) for rate in shown]
        band = {"x": [*x, *reversed(x)], "y": [*highs, *reversed(lows)], "fill": "toself"}
        look = {"fillcolor": colours.muted, "opacity": _QUARTILES_OPACITY, "line": {"width": 0}}
        traces.append({**common, **band, **look, "mode": "lines", "name": "quartiles"})
    median = {"x": x, "y": [rate.median for rate in shown], "line": line, "name": "median"}
    return [*traces, {**common, **median, "mode": "lines"}]


def _marks(sweep: SweepView, colours: Palette, worst: float) -> list[dict[str, Any]]:
    """Return the runs as marks: those without a loss, or far above, on the frame.

    Those that are not compared stand there as well, faint.
    """
    within = min if sweep.is_least else max
    traces = []
    compared = [run for run in sweep.runs if not run.left_out]
    for mark in MARKS:
        mine = [run for run in compared if look(run.view.verdict).mark == mark]
        if not mine:
            continue
        losses = [worst if run.loss is None else within(run.loss, worst) for run in mine]
        style = {"symbol": _SYMBOLS[mark], "size": 11, "color": colours.marks[mark]}
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [run.lr for run in mine],
                "y": losses,
                "name": MARK_LABELS[mark],
                "marker": {**style, "line": {"color": colours.ground, "width": 1}},
                **_pointed_at(mine),
            }
        )
    absent = [run for run in sweep.runs if run.left_out]
    if absent:
        style = {"symbol": "circle-open-dot", "size": 11, "color": colours.muted}
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [run.lr for run in absent],
                "y": [worst] * len(absent),
                "name": "not compared",
                "marker": style,
                "opacity": _NOT_COMPARED,
                **_pointed_at(absent),
            }
        )
    return traces


def _pointed_at(runs: Sequence[SweepRun]) -> dict[str, Any]:
    return {
        "text": [_said(run) for run in runs],
        # A list: what is given as an array does not come back with a click.
        "customdata": [run_href(run.view.key) for run in runs],
        "hovertemplate": "%{text}<extra></extra>",
        "cliponaxis": False,
    }


def _said(run: SweepRun) -> str:
    if run.left_out:
        return f"<b>{escape(run.view.name)}</b><br>not compared: {escape(run.left_out)}"
    ended = "no finite value" if run.loss is None else number(run.loss)
    running = ", still running" if run.view.state == "running" else ""
    verdict = look(run.view.verdict).word
    return f"<b>{escape(run.view.name)}</b><br>{verdict}; {ended} at {number(run.lr, 3)}{running}"


def _layout(sweep: SweepView, colours: Palette, axis: dict[str, Any], what: str) -> dict[str, Any]:
    rates = np.array([*(run.lr for run in sweep.runs), *filter(None, [sweep.next_rate])])
    layout = against_rate(rates, axis, colours, what)
    layout["xaxis"]["title"]["text"] = "peak learning rate"
    shapes = rate_band(sweep.choice.band, colours)
    if sweep.choice.best is not None:
        shapes.append(rate_line(sweep.choice.best, colours.marks["disc"]))
    if sweep.next_rate is not None:
        shapes.append(rate_line(sweep.next_rate, colours.ink))
        is_right = sweep.next_rate**2 > rates.min() * rates.max()
        named = _next(sweep.next_rate, colours, is_right=is_right)
        layout["annotations"] = [*layout["annotations"], named]
    return layout | {"uirevision": "sweep", "shapes": shapes}


def _beyond(sweep: SweepView, worst: float) -> str:
    """Say how many marks on the frame stand for a loss that lies beyond it."""
    if not sweep.is_least:
        return ""
    losses = [run.loss for run in sweep.runs if run.loss is not None and not run.left_out]
    n_above = sum(loss > worst for loss in losses)
    return f"; {count(n_above)} above the frame" if n_above else ""


def _next(rate: float, colours: Palette, *, is_right: bool) -> dict[str, Any]:
    """Name the rate to try high up, where no mark is likely: near it losses are low.

    On the side where there is more room.
    """
    return {
        "text": f"try {number(rate, 2)}",
        "x": math.log10(rate),
        "y": 0.9,
        "yref": "paper",
        "yanchor": "middle",
        "xanchor": "right" if is_right else "left",
        "xshift": -4 if is_right else 4,
        "showarrow": False,
        "bgcolor": colours.ground,
        "font": {"color": colours.ink, "size": 12},
    }
