"""The chart of the Sweep page: where runs ended against their learning rate."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from lrwatch.formats import number
from lrwatch_dashboard.address import YScale, run_href
from lrwatch_dashboard.comparison_views import RateResult, SweepRun, SweepView
from lrwatch_dashboard.figures.against_rate import against_rate, rate_band, rate_line
from lrwatch_dashboard.figures.axes import linear_axis, log_axis
from lrwatch_dashboard.figures.panel import escape
from lrwatch_dashboard.theme import MARK_LABELS, MARKS, Palette, look, palette

__all__ = ["sweep_figure"]

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
    sweep: SweepView, *, theme: str | None = None, y: YScale = "auto", loss: str = "final"
) -> go.Figure:
    """Draw one sweep, its loss called ``final`` or ``best``.

    A ``y`` of ``auto`` is a log axis where every loss is positive.
    """
    colours = palette(theme)
    axis = _loss_axis(sweep, y)
    top = 10.0 ** axis["range"][1] if axis["type"] == "log" else axis["range"][1]
    figure = go.Figure()
    for trace in (*_rates(sweep.choice.rates, colours, top), *_marks(sweep.runs, colours, top)):
        figure.add_trace(trace)
    return figure.update_layout(_layout(sweep, colours, axis, loss))


def _loss_axis(sweep: SweepView, y: YScale) -> dict[str, Any]:
    losses = np.array([run.loss for run in sweep.runs if run.loss is not None])
    if not len(losses):
        return linear_axis(np.array([0.0, 1.0]))
    best = float(losses.min())
    kept = losses[losses <= _FAR * best] if best > 0 else losses
    return log_axis(kept) if best > 0 and y != "linear" else linear_axis(kept)


def _rates(rates: Sequence[RateResult], colours: Palette, top: float) -> list[dict[str, Any]]:
    """Return the median over seeds as a line, and their quartiles as a band around it."""
    shown = [rate for rate in rates if math.isfinite(rate.median) and rate.median <= top]
    if len(shown) < 2:  # noqa: PLR2004  a line has two ends
        return []
    x = [rate.lr for rate in shown]
    line = {"color": colours.muted, "width": 1.5}
    common = {"type": "scatter", "hoverinfo": "skip", "showlegend": False}
    traces: list[dict[str, Any]] = []
    if any(rate.n_runs > 1 for rate in shown):
        highs = [min(rate.high, top) for rate in shown]
        lows = [rate.low for rate in shown]
        band = {"x": [*x, *reversed(x)], "y": [*highs, *reversed(lows)], "fill": "toself"}
        look = {"fillcolor": colours.muted, "opacity": _QUARTILES_OPACITY, "line": {"width": 0}}
        traces.append({**common, **band, **look, "mode": "lines", "name": "quartiles"})
    median = {"x": x, "y": [rate.median for rate in shown], "line": line, "name": "median"}
    return [*traces, {**common, **median, "mode": "lines"}]


def _marks(runs: Sequence[SweepRun], colours: Palette, top: float) -> list[dict[str, Any]]:
    """Return the runs compared as marks, those without a loss, or far above, on the frame."""
    traces = []
    compared = [run for run in runs if not run.left_out]
    for mark in MARKS:
        mine = [run for run in compared if look(run.view.verdict).mark == mark]
        if not mine:
            continue
        losses = [top if run.loss is None else min(run.loss, top) for run in mine]
        style = {"symbol": _SYMBOLS[mark], "size": 11, "color": colours.marks[mark]}
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [run.lr for run in mine],
                "y": losses,
                "name": MARK_LABELS[mark],
                "marker": {**style, "line": {"color": colours.ground, "width": 1}},
                "text": [_said(run) for run in mine],
                # A list: what is given as an array does not come back with a click.
                "customdata": [run_href(run.view.key) for run in mine],
                "hovertemplate": "%{text}<extra></extra>",
                "cliponaxis": False,
            }
        )
    return traces


def _said(run: SweepRun) -> str:
    ended = "no finite loss" if run.loss is None else f"loss {number(run.loss)}"
    running = ", still running" if run.view.state == "running" else ""
    verdict = look(run.view.verdict).word
    return f"<b>{escape(run.view.name)}</b><br>{verdict}; {ended} at {number(run.lr, 3)}{running}"


def _layout(sweep: SweepView, colours: Palette, axis: dict[str, Any], loss: str) -> dict[str, Any]:
    rates = np.array([rate.lr for rate in sweep.choice.rates])
    layout = against_rate(rates, axis, colours, f"{loss} loss")
    layout["xaxis"]["title"]["text"] = "peak learning rate"
    shapes = rate_band(sweep.choice.band, colours)
    if sweep.choice.best is not None:
        shapes.append(rate_line(sweep.choice.best, colours.marks["disc"]))
    return layout | {"uirevision": "sweep", "shapes": shapes}
