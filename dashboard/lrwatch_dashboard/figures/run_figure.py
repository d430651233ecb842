"""The chart of the Run page: panels stacked on one real x axis.

The panels share the axis itself and not copies of it (``make_subplots(shared_xaxes=True)``
makes copies), because only then does one hover box show all of them, and one shape shades the
flagged steps through all of them.
"""

from __future__ import annotations

from typing import Any, Final

import plotly.graph_objects as go

from lrwatch.formats import count
from lrwatch_dashboard.figures.panels import Panel, escape, run_panels
from lrwatch_dashboard.theme import Palette, look, palette
from lrwatch_dashboard.views import Judgement, RunCurves

__all__ = ["message_figure", "run_figure"]

_GAP_PX: Final = 46
_PANEL_PX: Final = 150
_MAIN_PANEL_PX: Final = 210
_MISSING_PX: Final = 34
_MESSAGE_PX: Final = 100
_TOP_PX, _BOTTOM_PX = 30, 44
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"


def run_figure(
    curves: RunCurves, judgement: Judgement | None = None, *, theme: str | None = None
) -> go.Figure:
    """Draw one run.

    Parameters
    ----------
    curves
        The run's lines.
    judgement
        Gives the steps to shade; None shades nothing.
    theme
        ``"light"`` or ``"dark"``.
    """
    colours = palette(theme)
    panels = run_panels(curves, colours)
    domains, height = _domains(panels)
    figure = go.Figure()
    layout = _layout(colours, height)
    # Said outright: dcc.Graph hands every zoom back to plotly as part of the figure, after
    # which `uirevision` no longer takes it for the reader's own.
    layout["xaxis"] |= _steps_shown(curves)
    for i, (panel, domain) in enumerate(zip(panels, domains, strict=True), start=1):
        suffix = "" if i == 1 else str(i)
        layout[f"yaxis{suffix}"] = _axis(panel, domain, colours)
        layout["annotations"] += _texts(panel, domain, colours)
        layout["shapes"] += _guides(panel, f"y{suffix}", colours)
        if not panel.missing:
            layout["shapes"] += _shade(judgement, f"y{suffix} domain", colours)
            layout["shapes"] += _marked_steps(curves, f"y{suffix} domain", colours)
        if panel.legend:
            layout[f"legend{suffix}"] = _legend(domain)
        for trace in panel.traces:
            own = {"legend": f"legend{suffix}", "showlegend": True} if panel.legend else {}
            figure.add_trace({**trace, **own, "xaxis": "x", "yaxis": f"y{suffix}"})
    layout["annotations"] += _first_broken_text(curves, colours)
    if curves.n_broken and panels[0].axis:
        figure.add_trace(_crosses(curves, panels[0], colours))
    return figure.update_layout(layout)


def message_figure(message: str, *, theme: str | None = None) -> go.Figure:
    """Return a low chart that only says why there is none."""
    colours = palette(theme)
    text = {"text": escape(message), "x": 0, "y": 1, "xref": "paper", "yref": "paper"}
    layout = _layout(colours, _MESSAGE_PX)
    layout["xaxis"], layout["yaxis"] = {"visible": False}, {"visible": False}
    layout["annotations"] = [{**text, "showarrow": False, "xanchor": "left"}]
    return go.Figure(layout=layout)


def _domains(panels: tuple[Panel, ...]) -> tuple[list[tuple[float, float]], int]:
    """Return the share of the height that each panel takes, and the height in pixels."""
    sizes = [
        _MISSING_PX if panel.missing else (_MAIN_PANEL_PX if i == 0 else _PANEL_PX)
        for i, panel in enumerate(panels)
    ]
    drawable = sum(sizes) + _GAP_PX * (len(panels) - 1)
    domains, top = [], float(drawable)
    for size in sizes:
        domains.append(((top - size) / drawable, top / drawable))
        top -= size + _GAP_PX
    return [(max(low, 0.0), high) for low, high in domains], drawable + _TOP_PX + _BOTTOM_PX


def _layout(colours: Palette, height: int) -> dict[str, Any]:
    return {
        "height": height,
        "margin": {"l": 58, "r": 18, "t": _TOP_PX, "b": _BOTTOM_PX},
        "paper_bgcolor": colours.ground,
        "plot_bgcolor": colours.ground,
        "font": {"family": _FONT, "size": 12, "color": colours.muted},
        "hovermode": "x unified",
        "hoversubplots": "axis",
        "hoverlabel": {
            "bgcolor": colours.ground,
            "bordercolor": colours.line,
            "font": {"color": colours.ink, "size": 12, "family": _FONT},
        },
        "dragmode": "zoom",
        "uirevision": "run",
        "modebar": {
            "bgcolor": "rgba(0,0,0,0)",
            "color": colours.muted,
            "activecolor": colours.ink,
        },
        "xaxis": {
            "anchor": "free",
            "position": 0,
            "title": {"text": "step", "standoff": 6},
            "separatethousands": True,
            "exponentformat": "none",
            "gridcolor": colours.line,
            "zeroline": False,
            "showspikes": True,
            "spikemode": "across",
            "spikethickness": 1,
            "spikedash": "solid",
            "spikecolor": colours.muted,
            "unifiedhovertitle": {"text": "step %{x:,.0f}"},
        },
        "shapes": [],
        "annotations": [],
    }


def _steps_shown(curves: RunCurves) -> dict[str, Any]:
    if curves.window is not None:
        return {"autorange": False, "range": list(curves.window)}
    lines = (curves.loss, *curves.lr, curves.grad_norm, curves.update_ratio)
    first = min((float(line.x[0]) for line in lines if len(line.x)), default=0.0)
    if curves.last_step is None or curves.last_step <= first:
        return {"autorange": True, "visible": curves.last_step is not None}
    # Crosses are markers, for which plotly would leave room beside the first and last step.
    limits = {"clipmin": first, "clipmax": curves.last_step}
    return {"autorange": True, "autorangeoptions": limits}


def _axis(panel: Panel, domain: tuple[float, float], colours: Palette) -> dict[str, Any]:
    common = {
        "domain": domain,
        # The y range follows what is within the zoom; the reader zooms the steps only.
        "fixedrange": True,
        "gridcolor": colours.line,
        "zeroline": False,
        "anchor": "x",
        # Ticks that are not seen hold the numbers off the frame.
        "ticks": "outside",
        "ticklen": 5,
        "tickcolor": "rgba(0,0,0,0)",
    }
    if panel.missing:
        return {**common, "visible": False, "range": [0, 1]}
    return {**common, **panel.axis}


def _texts(panel: Panel, domain: tuple[float, float], colours: Palette) -> list[dict[str, Any]]:
    place = {"xref": "paper", "yref": "paper", "showarrow": False, "xanchor": "left"}
    text = f"<b>{panel.title}</b>"
    if panel.note:
        text += f"  <span style='color:{colours.muted}'>{panel.note}</span>"
    heading = {
        **place,
        "text": text,
        "x": 0,
        "y": domain[1],
        "yanchor": "bottom",
        "yshift": 7,
        "font": {"color": colours.ink, "size": 12},
    }
    if not panel.missing:
        return [heading]
    sentence = {**place, "text": panel.missing, "x": 0, "y": domain[1], "yanchor": "top"}
    return [heading, sentence]


def _guides(panel: Panel, axis: str, colours: Palette) -> list[dict[str, Any]]:
    line = {"color": colours.muted, "width": 1, "dash": "dot"}
    return [
        {
            "type": "line",
            "xref": "paper",
            "x0": 0,
            "x1": 1,
            "yref": axis,
            "y0": y,
            "y1": y,
            "line": line,
        }
        for y in panel.guides
    ]


def _legend(domain: tuple[float, float]) -> dict[str, Any]:
    return {
        "orientation": "h",
        "x": 1,
        "xanchor": "right",
        "y": domain[1],
        "yanchor": "bottom",
        "bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 12},
        # The next update would bring a hidden line back.
        "itemclick": False,
        "itemdoubleclick": False,
    }


def _shade(judgement: Judgement | None, domain: str, colours: Palette) -> list[dict[str, Any]]:
    """Shade the flagged steps of one panel; the gaps between panels stay clear."""
    if judgement is None or judgement.interval is None:
        return []
    mark = look(judgement.verdict).mark
    if mark not in ("cross", "up", "down"):
        return []
    first, last = judgement.interval
    place = {"x0": first, "x1": last, "yref": domain, "y0": 0, "y1": 1, "layer": "below"}
    paint = {"fillcolor": colours.marks[mark], "opacity": colours.shade, "line": {"width": 0}}
    return [{"type": "rect", **place, **paint}]


def _marked_steps(curves: RunCurves, domain: str, colours: Palette) -> list[dict[str, Any]]:
    """Draw a line at the first broken loss, and at each step from which the run was resumed."""
    across = {"type": "line", "yref": domain, "y0": 0, "y1": 1}
    shapes = []
    lines = [(step, colours.muted, "dot") for step in curves.resumes]
    if curves.first_broken is not None:
        lines.append((curves.first_broken, colours.marks["cross"], "solid"))
    for step, colour, dash in lines:
        line = {"color": colour, "width": 1, "dash": dash}
        shapes.append({**across, "x0": step, "x1": step, "line": line})
    return shapes


def _first_broken_text(curves: RunCurves, colours: Palette) -> list[dict[str, Any]]:
    if curves.first_broken is None:
        return []
    is_late = curves.last_step is not None and 2 * curves.first_broken > curves.last_step
    return [
        {
            "text": _broken_sentence(curves),
            "x": curves.first_broken,
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
    ]


def _broken_sentence(curves: RunCurves) -> str:
    first = count(curves.first_broken or 0)
    if curves.stays_broken:
        return f"not finite from step {first}"
    if curves.n_broken == 1:
        return f"not finite at step {first}"
    return f"not finite at {count(curves.n_broken)} steps, first at {first}"


def _crosses(curves: RunCurves, panel: Panel, colours: Palette) -> dict[str, Any]:
    top = panel.axis["range"][1]
    y = 10.0**top if panel.axis["type"] == "log" else top
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
