"""The chart of the Run page: panels, with what the verdict points at marked in them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import plotly.graph_objects as go

from lrwatch.formats import count
from lrwatch.records import FloatArray
from lrwatch.verdicts import Diagnosis
from lrwatch_dashboard.address import ChartView
from lrwatch_dashboard.figures.panel import escape, shortened, within
from lrwatch_dashboard.figures.panels import run_panels
from lrwatch_dashboard.figures.stack import stacked
from lrwatch_dashboard.figures.x_axis import by_time, x_axis
from lrwatch_dashboard.own_metrics import EVENTS, Family, is_event
from lrwatch_dashboard.theme import Palette, look, palette
from lrwatch_dashboard.views import Curve, RunCurves, StepTimes

__all__ = ["run_figure"]

_MOST_NAMED: Final = 6  # events
_LONGEST_KIND: Final = 28
_MOST_KINDS: Final = 4
_LINE_PX: Final = 14
_ABOVE_MARK_PX: Final = 6

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
    if panels[0].axis:
        if drawn.n_broken:
            figure.add_trace(_crosses(drawn, panels[0].axis, colours))
        _mark_events(figure, drawn, panels[0].axis, colours)
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
    return [
        _text(name, x, colours.muted, (4, -28 - 16 * i), is_late=_is_late(x, curves))
        | _at_top(colours)
        for i, (x, name, _) in enumerate(seen)
    ]


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
    said, colour = _broken_sentence(curves), colours.marks["cross"]
    text = _text(said, drawn.first_broken, colour, (6, -10), size=12, is_late=is_late)
    return text | _at_top(colours)


def _broken_sentence(curves: RunCurves) -> str:
    first = count(curves.first_broken or 0)
    if curves.stays_broken:
        return f"not finite from step {first}"
    if curves.n_broken == 1:
        return f"not finite at step {first}"
    return f"not finite at {count(curves.n_broken)} steps, first at {first}"


def _crosses(curves: RunCurves, axis: dict[str, Any], colours: Palette) -> dict[str, Any]:
    sign = {"symbol": "x-thin-open", "size": 8, "color": colours.marks["cross"]}
    return _signs(curves.broken, _edge(axis, 1), sign) | {
        "name": "loss",
        "hovertemplate": "NaN or infinite",
    }


def _mark_events(
    figure: go.Figure, curves: RunCurves, axis: dict[str, Any], colours: Palette
) -> None:
    """Mark what the training said of itself, on the lower frame of the first panel.

    Checkpoints come by the dozen, so that lines through all panels would hide what they are about.
    """
    kinds = [curve for curve in curves.own if is_event(curve.name) and len(curve.x)]
    sign = {"symbol": "triangle-up", "size": 8, "color": colours.muted}
    for i, curve in enumerate(kinds[:_MOST_KINDS]):
        name = shortened(curve.name.removeprefix(f"{EVENTS}/"), _LONGEST_KIND)
        said = {"name": "event", "text": [name] * len(curve.x), "hovertemplate": "%{text}"}
        figure.add_trace(_signs(curve.x, _edge(axis, 0), sign) | said)
        x = float(within(Curve("", curve.x, curve.x), curves.window)[0])  # the first that is seen
        above = (0, _ABOVE_MARK_PX + _LINE_PX * i)
        text = _text(name, x, colours.muted, above, is_late=_is_late(x, curves))
        figure.add_annotation(text, yanchor="bottom", y=figure.layout.yaxis.domain[0])


def _edge(axis: dict[str, Any], end: int) -> float:
    """Return the value at the lower (0) or upper (1) end of a y axis."""
    edge: float = axis["range"][end]
    return 10.0**edge if axis["type"] == "log" else edge


def _signs(x: FloatArray, y: float, sign: dict[str, Any]) -> dict[str, Any]:
    """Return a trace of signs in the first panel, all at one height."""
    place = {"x": x, "y": [y] * len(x), "xaxis": "x", "yaxis": "y", "cliponaxis": False}
    return {"type": "scatter", "mode": "markers", "marker": sign, "showlegend": False, **place}


def _is_late(x: float, curves: RunCurves) -> bool:
    """Tell whether a place is in the second half of the x axis."""
    first, last = curves.window or (0.0, float(curves.last_step or 0))
    return 2 * x > first + last


def _text(
    text: str,
    x: float | None,
    colour: str,
    shift: tuple[int, int],
    *,
    size: int = 11,
    is_late: bool,
) -> dict[str, Any]:
    """Return a text beside a place on the x axis, on the side where there is more room."""
    away, up = shift
    return {
        "text": text,
        "x": x,
        "xanchor": "right" if is_late else "left",
        "xshift": -away if is_late else away,
        "yref": "paper",
        "yshift": up,
        "showarrow": False,
        "font": {"color": colour, "size": size},
    }


def _at_top(colours: Palette) -> dict[str, Any]:
    return {"y": 1, "yanchor": "top", "bgcolor": colours.ground, "opacity": 0.9}
