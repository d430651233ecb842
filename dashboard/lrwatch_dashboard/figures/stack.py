"""Panels stacked on one real x axis, the frame of every chart by step or time.

The panels share the axis itself and not copies of it (``make_subplots(shared_xaxes=True)``
makes copies), because only then does one hover box show all of them, and one zoom moves them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from lrwatch_dashboard.figures.legends import LETTER_PX, legend, legend_px
from lrwatch_dashboard.figures.panel import Panel, escape
from lrwatch_dashboard.theme import Palette, palette

__all__ = ["base_layout", "message_figure", "no_figure", "stacked"]

_GAP_PX: Final = 46
_PANEL_PX: Final = 150
_MAIN_PANEL_PX: Final = 210
_LOW_PANEL_PX: Final = 120
_ROW_PX: Final = 16  # of a picture
_NARROW_PX: Final = 392  # of the chart on a screen of 420
_LEFT_PX, _RIGHT_PX = 58, 18
_HEADING_PX: Final = 4
_MISSING_PX: Final = 34
_MESSAGE_PX: Final = 100
_TOP_PX, _BOTTOM_PX = 30, 44
_FEW_PANELS: Final = 2
_TICKS_PX: Final = 12  # more below the first panel, whose axis has numbers
_TITLE_PX: Final = 7  # between a title and its panel
_STRIP_PX: Final = 2
_UPPER_Y: Final = "y99"
_ON_UPPER_AXIS: Final[Mapping[str, Any]] = {
    "type": "scatter",
    "mode": "lines",
    "line": {},
    "x": np.array([np.nan]),
    "y": np.array([np.nan]),
    "xaxis": "x2",
    "yaxis": _UPPER_Y,
    "name": "",
    "showlegend": False,
    "hoverinfo": "skip",
}
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', sans-serif"


def stacked(
    panels: Sequence[Panel],
    colours: Palette,
    x_axis: Mapping[str, Any],
    shapes: Iterable[Mapping[str, Any]] = (),
) -> go.Figure:
    """Draw panels below one another, the first one the highest.

    `x_axis` is what to set of the x axis beyond its look. Shapes are drawn through every panel that
    has data, the gaps stay clear; their y runs from 0 to 1 within the panel.
    """
    left = max([_LEFT_PX, *(LETTER_PX * panel.longest_label for panel in panels)])
    names = [legend_px(panel, _NARROW_PX - left - _RIGHT_PX) for panel in panels]
    domains, drawable = _domains(panels, names)
    top = _TOP_PX + sum(names[:1])
    height = top + drawable + _BOTTOM_PX
    figure = go.Figure()
    layout = base_layout(colours, height)
    layout["xaxis"] |= x_axis
    layout["margin"] |= {"t": top, "l": left}
    shapes = list(shapes)
    for i, (panel, domain, rows) in enumerate(zip(panels, domains, names, strict=True), start=1):
        suffix = "" if i == 1 else str(i)
        layout[f"yaxis{suffix}"] = _axis(panel, domain, colours)
        layout["annotations"] += _texts(panel, domain, rows, colours, _LEFT_PX - left)
        layout["shapes"] += _guides(panel, f"y{suffix}", colours)
        if panel.image is not None:
            layout["images"].append({**panel.image, "yref": f"y{suffix}"})
        elif panel.traces:
            layout["shapes"] += [{**shape, "yref": f"y{suffix} domain"} for shape in shapes]
        if panel.legend:
            layout[f"legend{suffix}"] = _legend_of(domain[1], rows, drawable)
        for trace in panel.traces:
            is_named = panel.legend and trace["name"] not in panel.unnamed
            own = {"legend": f"legend{suffix}", "showlegend": True} if is_named else {}
            figure.add_trace({**trace, **own, "xaxis": "x", "yaxis": f"y{suffix}"})
    if _has_upper_axis(panels):
        layout |= _upper_axis(layout["xaxis"], domains[0][0], height)
        figure.add_trace(_ON_UPPER_AXIS)
    return figure.update_layout(layout)


def _legend_of(top: float, rows: int, drawable: int) -> dict[str, Any]:
    return legend(top + (rows + _TITLE_PX) / drawable, is_below=True) if rows else legend(top)


def _has_upper_axis(panels: Sequence[Panel]) -> bool:
    return len(panels) > _FEW_PANELS and bool(panels[0].traces)


def _upper_axis(below: Mapping[str, Any], bottom: float, height: int) -> dict[str, Any]:
    """Return the x axis once more, right below the first panel: the screen may end before the last.

    It has a strip of its own, since only panels on the one x axis share zoom and pointer.
    """
    strip = [max(bottom - _STRIP_PX / height, 0.0), bottom]
    own = {"matches": "x", "anchor": _UPPER_Y, "showspikes": False, "showgrid": False}
    kept = {name: below[name] for name in below if name not in ("title", "position", "range")}
    hidden = {"domain": strip, "visible": False, "fixedrange": True, "anchor": "x2"}
    return {"xaxis2": {**kept, **own}, _UPPER_Y.replace("y", "yaxis"): hidden}


def message_figure(message: str, *, theme: str | None = None) -> go.Figure:
    """Return a low chart that only says why there is none."""
    colours = palette(theme)
    text = {"text": escape(message), "x": 0, "y": 1, "xref": "paper", "yref": "paper"}
    layout = base_layout(colours, _MESSAGE_PX)
    layout["xaxis"], layout["yaxis"] = {"visible": False}, {"visible": False}
    layout["annotations"] = [{**text, "showarrow": False, "xanchor": "left"}]
    return go.Figure(layout=layout)


def no_figure(height: int = 860) -> dict[str, Any]:
    """Return a chart without axes, of the height of the one that follows."""
    axes = {name: {"visible": False} for name in ("xaxis", "yaxis")}
    grounds = dict.fromkeys(("paper_bgcolor", "plot_bgcolor"), "rgba(0,0,0,0)")
    return {"data": [], "layout": {"height": height, **axes, **grounds}}


def base_layout(colours: Palette, height: int) -> dict[str, Any]:
    """Return the look of every chart, without its y axes."""
    return {
        "height": height,
        "margin": {"l": _LEFT_PX, "r": _RIGHT_PX, "t": _TOP_PX, "b": _BOTTOM_PX},
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
        "images": [],
        "annotations": [],
    }


def _domains(
    panels: Sequence[Panel], names: Sequence[int]
) -> tuple[list[tuple[float, float]], int]:
    """Return the share of the height that each panel takes, and the pixels of all of them.

    `names` are the pixels above each one that its legend takes.
    """
    sizes = [_height(panel, is_first=i == 0) for i, panel in enumerate(panels)]
    gaps = [0, *(_GAP_PX + rows for rows in names[1:])]
    if _has_upper_axis(panels):
        gaps[1] += _TICKS_PX
    drawable = sum(sizes) + sum(gaps)
    domains, top = [], float(drawable)
    for size, gap in zip(sizes, gaps, strict=True):
        top -= gap
        domains.append(((top - size) / drawable, top / drawable))
        top -= size
    return [(max(low, 0.0), high) for low, high in domains], drawable


def _height(panel: Panel, *, is_first: bool) -> int:
    if panel.image is not None:
        return min(max(_ROW_PX * panel.n_rows, _LOW_PANEL_PX), 2 * _MAIN_PANEL_PX)
    if not panel.traces and not panel.is_low:
        return _MISSING_PX if panel.missing else _HEADING_PX
    return _MAIN_PANEL_PX if is_first else _LOW_PANEL_PX if panel.is_low else _PANEL_PX


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
    if not panel.is_drawn:
        return {**common, "visible": False, "range": [0, 1]}
    return {**common, **panel.axis}


def _texts(
    panel: Panel, domain: tuple[float, float], rows: int, colours: Palette, xshift: int
) -> list[dict[str, Any]]:
    """Return heading and sentence, moved to where they stand beside usual numbers."""
    place = {"xref": "paper", "yref": "paper", "showarrow": False, "xanchor": "left"}
    place |= {"xshift": xshift} if xshift else {}
    text = f"<b>{panel.title}</b>"
    if panel.note:
        text += f"  <span style='color:{colours.muted}'>{panel.note}</span>"
    heading = {
        **place,
        "text": text,
        "x": 0,
        "y": domain[1],
        "yanchor": "bottom",
        "yshift": _TITLE_PX + rows,
        "font": {"color": colours.ink, "size": 12},
    }
    if not panel.missing:
        return [heading]
    sentence = {**place, "text": panel.missing, "x": 0, "y": domain[1], "yanchor": "top"}
    return [heading, sentence]


def _guides(panel: Panel, axis: str, colours: Palette) -> list[dict[str, Any]]:
    line = {"color": colours.muted, "width": 1, "dash": "dot"}
    across = {"type": "line", "xref": "paper", "x0": 0, "x1": 1, "yref": axis, "line": line}
    return [{**across, "y0": y, "y1": y} for y in panel.guides]
