"""The chart of the Compare page: a few runs bright, all others faint behind them.

Runs that differ in the seed only are one line: their median, and the band of quartiles.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from lrwatch.formats import count
from lrwatch_dashboard.address import ChartView, YScale, run_href
from lrwatch_dashboard.comparison_views import ComparedRun, SideBySide
from lrwatch_dashboard.figures.axes import linear_axis, log_axis
from lrwatch_dashboard.figures.own_panels import LONGEST_TITLE, metric_axis, metric_line
from lrwatch_dashboard.figures.panel import (
    Panel,
    escape,
    line,
    shortened,
    value_axis,
    within,
)
from lrwatch_dashboard.figures.panels import RATIO_GUIDE
from lrwatch_dashboard.figures.stack import stacked
from lrwatch_dashboard.figures.x_axis import by_time, x_axis
from lrwatch_dashboard.theme import DASHES, Palette, palette
from lrwatch_dashboard.units import in_unit, unit_of
from lrwatch_dashboard.views import Curve, RunCurves, Window

__all__ = ["compare_figure", "quartiles", "seed_traces"]

_RATES_APART: Final = 5.0  # peak learning rates this far apart need a log axis
_FAINT: Final = 0.22
_FAR: Final = 1e3  # times the middle run's median, from where on a run leaves the frame
_LOWEST: Final = 100.0  # times below the lowest peak, from where on a rate leaves the frame
_FEW: Final = 8  # so many names fit into one box under the pointer
_NO_LINE: Final = Curve("", np.empty(0), np.empty(0))
_Lines = list[tuple[RunCurves, dict[str, Any]]]
_N_POINTS: Final = 400
_SINGLE_OPACITY: Final = 0.3
_BAND_OPACITY: Final = 0.16


def compare_figure(
    comparison: SideBySide,
    looks: Mapping[str, tuple[int, int]],
    others: Curve | None = None,
    *,
    theme: str | None = None,
    view: ChartView | None = None,
) -> go.Figure:
    """Draw runs over one another.

    `looks` are the numbers of hue and of dash of each run's line, by key; `others` are the other
    runs as one line with gaps. By time, the zoom of the view counts from each run's first step.
    """
    colours = palette(theme)
    view = view or ChartView()
    lines: _Lines = []
    for run in comparison.runs:
        curves = _drawn(run, view)
        if curves is not None:
            lines.append((curves, _style(run, looks[run.view.key], colours)))
    behind = others if others is not None and len(others.x) else None
    panels = (
        _loss(lines, behind, colours, view.y),
        _learning_rate(lines, view.y),
        _panel("Gradient norm", "before clipping", lines, lambda run: run.grad_norm, view.y),
        _update_ratio(lines, view.y),
        *(_own(name, lines, view.y) for name in comparison.own),
    )
    drawn = [curves for curves, _ in lines]
    figure = stacked(panels, colours, x_axis(view.x, drawn))
    n_lines = len({style["lead"] for _, style in lines})
    hover = "x unified" if n_lines <= _FEW else "closest"
    # One panel's lines at a time: those of all panels would fill the screen.
    return figure.update_layout(hovermode=hover, hoversubplots="single", uirevision="compare")


def _drawn(run: ComparedRun, view: ChartView) -> RunCurves | None:
    if run.curves is None or view.x == "step":
        return run.curves
    clock = run.view.clock
    return by_time(run.curves, clock, view.window) if clock else None


def _style(run: ComparedRun, look: tuple[int, int], colours: Palette) -> dict[str, Any]:
    hue, dash = look
    return {
        "colour": colours.line_colour(hue),
        "dash": DASHES[dash],
        "name": escape(run.view.name),
        "lead": run.lead,
        "href": run_href(run.view.key),
    }


def _loss(lines: _Lines, behind: Curve | None, colours: Palette, y: YScale) -> Panel:
    title = "Loss"
    shown = [(run.smooth_loss, run.window) for run, _ in lines if len(run.smooth_loss.x)]
    if not shown:
        return Panel(title, missing="No loss recorded in these runs.")
    axis, note = _axis(shown, y)
    half_lives = sorted({run.half_life for run, _ in lines})
    said = f"smoothed, half-life {count(half_lives[-1])}" if half_lives[-1] else "raw"
    traces = _traces(lines, lambda run: run.smooth_loss)
    if behind is not None:
        faint = line(behind, colours.muted, name="other runs", width=1)
        faint |= {"hoverinfo": "skip", "hovertemplate": None, "opacity": _FAINT}
        traces.insert(0, faint)
        said += "; other runs grey"
    if len({style["lead"] for _, style in lines}) < len(lines):
        said += "; seeds as median, quartiles"
    return Panel(title, said + note, tuple(traces), axis)


def _learning_rate(lines: _Lines, y: YScale) -> Panel:
    title = "Learning rate"
    seen = [run for run, _ in lines if run.lr and len(run.lr[0].x)]
    shown = [(run.lr[0], run.window) for run in seen]
    if not shown:
        return Panel(title, missing="No learning rate recorded.")
    if all(run.is_steady and len(run.lr[0].x) > 1 for run in seen):
        return Panel(title, "constant in each run, see the table")
    traces = _traces(lines, lambda run: run.lr[0])
    for trace in traces:
        trace["line"]["shape"] = "hv"
    peaks = [float(np.nanmax(curve.y)) for curve, _ in shown]
    is_apart = min(peaks) > 0 and max(peaks) > _RATES_APART * min(peaks)
    values = np.concatenate([within(*curve) for curve in shown])
    # A schedule that ends at next to nothing must not press the peaks into one line.
    values = values[values >= min(peaks) / _LOWEST]
    is_log = y == "log" or (y == "auto" and is_apart)
    several = any(len(run.lr) > 1 for run, _ in lines)
    note = "of the first parameter group" if several else ""
    return Panel(title, note, tuple(traces), log_axis(values) if is_log else linear_axis(values))


def _update_ratio(lines: _Lines, y: YScale) -> Panel:
    note = "ratio of norms; dotted line at 1e-3"
    return _panel(
        "Update / weight", note, lines, lambda run: run.update_ratio, y, guides=(RATIO_GUIDE,)
    )


def _own(name: str, lines: _Lines, y: YScale) -> Panel:
    """Return the panel of one of the user's metrics; runs without it have no line in it."""

    def line_of(run: RunCurves) -> Curve:
        return next((curve for curve in run.own if curve.name == name), _NO_LINE)

    shown = [line_of(run) for run, _ in lines if len(line_of(run).x)]
    title = shortened(name, LONGEST_TITLE)
    if not shown:
        return Panel(title, missing="None of these runs recorded it.")
    window = next((run.window for run, _ in lines), None)
    values = np.concatenate([within(curve, window) for curve in shown])
    n_without = len(lines) - len(shown)
    unit = unit_of(name, values)
    note = f"{count(n_without)} without it" if n_without else ""
    draw = partial(metric_line, sign=unit.sign)
    traces = tuple(_traces(lines, lambda run: in_unit(line_of(run), unit), draw))
    return Panel(title, note, traces, metric_axis(values / unit.size, y, unit.sign), is_low=True)


def _panel(
    title: str,
    note: str,
    lines: _Lines,
    curve_of: Callable[[RunCurves], Curve],
    y: YScale,
    *,
    guides: Sequence[float] = (),
) -> Panel:
    shown = [(curve_of(run), run.window) for run, _ in lines if len(curve_of(run).x)]
    if not shown:
        return Panel(title, missing="None of these runs recorded it.")
    axis, left_out = _axis(shown, y, *guides)
    traces = tuple(_traces(lines, curve_of))
    return Panel(title, note + left_out, traces, axis, guides=tuple(guides))


def _axis(
    shown: Sequence[tuple[Curve, Window | None]], y: YScale, *include: float
) -> tuple[dict[str, Any], str]:
    """Return the axis of a panel, and what to add to its note.

    A run that has gone far beyond what the runs have in the middle leaves the frame, so that
    the others are still told apart.
    """
    values = [v[np.isfinite(v)] for v in (within(*curve) for curve in shown)]
    values = [v for v in values if len(v)]
    everything = np.concatenate([np.empty(0), *values])
    middles = sorted(float(np.median(v)) for v in values)
    limit = _FAR * middles[(len(middles) - 1) // 2] if middles else 0.0
    if not limit > 0:
        return value_axis(everything, y if y != "auto" else "linear", *include), ""
    n_gone = sum(bool(v.max() > limit) for v in values)
    note = f"; {n_gone} out of frame" if n_gone else ""
    kept = everything[everything <= limit]
    is_log = y == "log" or (y == "auto" and kept.min() > 0)
    return value_axis(kept, "log" if is_log else "linear", *include), note


def _traces(
    lines: _Lines,
    curve_of: Callable[[RunCurves], Curve],
    draw: Callable[..., dict[str, Any]] = line,
) -> list[dict[str, Any]]:
    traces = []
    for _, group in itertools.groupby(lines, key=lambda each: str(each[1]["lead"])):
        members = list(group)
        style = members[0][1]
        if len(members) > 1:
            name = f"{style['name']} and {len(members) - 1} more, median"
            mine = [curve_of(run) for run, _ in members]
            traces += seed_traces(mine, style["colour"], style["dash"], name=name)
            continue
        trace = draw(curve_of(members[0][0]), style["colour"], name=style["name"], width=1.6)
        trace["line"]["dash"] = style["dash"]
        traces.append(trace | {"meta": style["href"]})
    return traces


def quartiles(curves: Sequence[Curve]) -> tuple[Curve, Curve, Curve]:
    """Return lower quartile, median and upper quartile of lines whose `x` ascend.

    They are taken where at least half of the lines have a value, so that a run that ended early, or
    broke, does not end the others.
    """
    every = np.unique(np.concatenate([np.empty(0), *(curve.x for curve in curves)]))
    places = np.linspace(0, max(len(every) - 1, 0), min(len(every), _N_POINTS)).astype(np.intp)
    x = every[places]
    known = [curve for curve in curves if len(curve.x)]
    values = [np.interp(x, c.x, c.y, left=np.nan, right=np.nan) for c in known]
    table = np.array(values).reshape(len(values), len(x))
    kept = 2 * np.isfinite(table).sum(axis=0) >= len(curves) if values else np.empty(0, bool)
    found = np.nanquantile(table[:, kept], [0.25, 0.5, 0.75], axis=0) if kept.any() else [[]] * 3
    names = ("lower quartile", "median", "upper quartile")
    low, median, high = (
        Curve(name, x[kept], np.asarray(row, dtype=np.float64))
        for name, row in zip(names, found, strict=True)
    )
    return low, median, high


def seed_traces(
    curves: Sequence[Curve], colour: str, dash: str, *, name: str
) -> list[dict[str, Any]]:
    """Return the single lines faint, the band of quartiles, and the median before them."""
    low, median, high = quartiles(curves)
    silent = {"hoverinfo": "skip", "hovertemplate": None}
    singles = [
        line(curve, colour, name="one seed", width=0.8) | silent | {"opacity": _SINGLE_OPACITY}
        for curve in curves
        if len(curve.x)
    ]
    around = Curve("", np.append(low.x, low.x[::-1]), np.append(low.y, high.y[::-1]))
    band = line(around, colour, name="quartiles", width=0) | silent
    band |= {"fill": "toself", "fillcolor": colour, "opacity": _BAND_OPACITY, "mode": "lines"}
    middle = line(median, colour, name=name, width=2)
    middle["line"]["dash"] = dash
    return [*singles, band, middle]
