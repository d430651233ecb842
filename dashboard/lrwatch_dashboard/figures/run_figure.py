"""The chart of the Run page: panels, with what the verdict points at marked in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import plotly.graph_objects as go

from lrwatch.formats import count
from lrwatch.verdicts import Diagnosis
from lrwatch_dashboard.address import ChartView
from lrwatch_dashboard.figures.event_marks import mark_events
from lrwatch_dashboard.figures.panel import escape
from lrwatch_dashboard.figures.panels import run_panels
from lrwatch_dashboard.figures.stack import stacked
from lrwatch_dashboard.figures.x_axis import by_time, x_axis
from lrwatch_dashboard.own_metrics import Family
from lrwatch_dashboard.theme import Palette, look, palette
from lrwatch_dashboard.views import RunCurves, StepTimes

__all__ = ["run_figure"]

_MOST_NAMED: Final = 6  # events

_Event = tuple[float, str, str]


def run_figure(
    curves: RunCurves,
    diagnosis: Diagnosis | None = None,
    *,
    theme: str | None = None,
    view: ChartView | None = None,
    clock: StepTimes | None = None,
    shown: Sequence[Family] = (),
) -> go.Figure:
    """Draw one run, the steps of its diagnosis shaded and what happened on the way marked.

    A view by anything but steps needs the clock that counts it. `shown` are the families of the
    user's own metrics that are drawn.
    """
    colours = palette(theme)
    view = view or ChartView()
    clock = clock if view.x != "step" else None
    drawn = by_time(curves, clock, view.window) if clock else curves
    # Said outright: dcc.Graph hands every zoom back to plotly as part of the figure, after
    # which `uirevision` no longer takes it for the reader's own.
    axis = x_axis(view.x if clock else "step", [drawn])
    panels = run_panels(drawn, colours, y=view.y, shown=shown)
    alarms = _alarms(curves, diagnosis)
    shade = _shade(curves, diagnosis, colours, clock)
    if clock:
        alarms = [(float(clock.seconds_at(x)), name, dash) for x, name, dash in alarms]
    events = _events(drawn, alarms)
    shapes = shade + _marked_steps(drawn, events, colours)
    figure = stacked(panels, colours, axis, shapes)
    for text in _event_texts(events, drawn, colours):
        figure.add_annotation(text)
    if curves.first_broken is not None:
        figure.add_annotation(_broken_text(curves, drawn, colours))
    if drawn.n_broken and panels[0].axis:
        figure.add_trace(_crosses(drawn, panels[0].axis, colours))
    if panels[0].axis:
        mark_events(figure, drawn, panels[0].axis, colours)
    return figure


def _shade(
    curves: RunCurves, diagnosis: Diagnosis | None, colours: Palette, clock: StepTimes | None
) -> list[dict[str, Any]]:
    """Shade the flagged steps, unless all are."""
    if diagnosis is None or diagnosis.interval is None:
        return []
    mark = look(diagnosis.verdict).mark
    if mark not in ("cross", "up", "down"):
        return []
    interval = diagnosis.interval
    is_all = curves.last_step is not None and curves.last_step <= interval[1]
    if is_all and interval[0] <= min(curves.loss.x, default=0.0):
        return []
    first, last = clock.seconds_at(interval).tolist() if clock else interval
    place = {"x0": first, "x1": last, "y0": 0, "y1": 1, "layer": "below"}
    paint = {"fillcolor": colours.marks[mark], "opacity": colours.shade, "line": {"width": 0}}
    return [{"type": "rect", **place, **paint}]


def _alarms(curves: RunCurves, diagnosis: Diagnosis | None) -> list[_Event]:
    """Return where a verdict could first be given, and where alerts fired and ended."""
    first = diagnosis.first_alarm_step if diagnosis is not None else None
    is_told = first is None or any(mark.step == first for mark in curves.marks)
    found: list[_Event] = [] if is_told else [(float(first or 0), "first alarm", "dashdot")]
    for mark in curves.marks:
        again = f" ({mark.episode})" if mark.episode > 1 else ""
        what = f"{'alert over' if mark.is_over else 'alert'}: {mark.rule.replace('_', ' ')}{again}"
        found.append((float(mark.step), escape(what), "dot" if mark.is_over else "dashdot"))
    return found


def _events(curves: RunCurves, alarms: Sequence[_Event]) -> list[_Event]:
    """Return what happened on the way: where, its name, and the pattern of its line."""
    events: list[_Event] = [(float(step), "resumed", "dot") for step in curves.resumes]
    events += [(float(step), "rate cut", "dash") for step in curves.cuts]
    return sorted([*events, *alarms])


def _event_texts(
    events: Sequence[_Event], curves: RunCurves, colours: Palette
) -> list[dict[str, Any]]:
    """Return the names of the first events, below one another, that none hides the next."""
    window = curves.window
    seen = [e for e in events if window is None or window[0] <= e[0] <= window[1]][:_MOST_NAMED]
    first, last = window or (0.0, float(curves.last_step or 0))
    common = {"yref": "paper", "y": 1, "yanchor": "top", "showarrow": False, "opacity": 0.9}
    look = {"bgcolor": colours.ground, "font": {"color": colours.muted, "size": 11}}
    texts = []
    for i, (x, name, _) in enumerate(seen):
        is_late = 2 * x > first + last
        side = {"xanchor": "right" if is_late else "left", "xshift": -4 if is_late else 4}
        texts.append({"text": name, "x": x, "yshift": -28 - 16 * i, **common, **side, **look})
    return texts


def _marked_steps(
    curves: RunCurves, events: Sequence[_Event], colours: Palette
) -> list[dict[str, Any]]:
    """Draw a line at the first broken loss, and at each event."""
    lines = [(step, colours.muted, dash) for step, _, dash in events]
    if curves.first_broken is not None:
        lines.append((curves.first_broken, colours.marks["cross"], "solid"))
    return [
        {
            "type": "line",
            "x0": x,
            "x1": x,
            "y0": 0,
            "y1": 1,
            "line": {"color": colour, "width": 1, "dash": dash},
        }
        for x, colour, dash in lines
    ]


def _broken_text(curves: RunCurves, drawn: RunCurves, colours: Palette) -> dict[str, Any]:
    is_late = curves.last_step is not None and 2 * (curves.first_broken or 0) > curves.last_step
    return {
        "text": _broken_sentence(curves),
        "x": drawn.first_broken,
        "y": 1,
        "yref": "paper",
        "yanchor": "top",
        "yshift": -10,
        "xshift": -6 if is_late else 6,
        "bgcolor": colours.ground,
        "opacity": 0.9,
        "xanchor": "right" if is_late else "left",
        "showarrow": False,
        "font": {"color": colours.marks["cross"], "size": 12},
    }


def _broken_sentence(curves: RunCurves) -> str:
    first = count(curves.first_broken or 0)
    if curves.stays_broken:
        return f"not finite from step {first}"
    if curves.n_broken == 1:
        return f"not finite at step {first}"
    return f"not finite at {count(curves.n_broken)} steps, first at {first}"


def _crosses(curves: RunCurves, axis: dict[str, Any], colours: Palette) -> dict[str, Any]:
    top = axis["range"][1]
    y = 10.0**top if axis["type"] == "log" else top
    return {
        "type": "scatter",
        "mode": "markers",
        "x": curves.broken,
        "y": [y] * len(curves.broken),
        "name": "loss",
        "marker": {"symbol": "x-thin-open", "size": 8, "color": colours.marks["cross"]},
        "cliponaxis": False,
        "hovertemplate": "NaN or infinite",
        "showlegend": False,
        "xaxis": "x",
        "yaxis": "y",
    }
