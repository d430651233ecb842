"""The frame of charts that show a loss against the learning rate, and rates marked in it."""

from __future__ import annotations

import math
from typing import Any, Final

from lrwatch.records import FloatArray
from lrwatch_dashboard.figures.axes import log_axis
from lrwatch_dashboard.figures.legends import legend
from lrwatch_dashboard.figures.stack import base_layout
from lrwatch_dashboard.theme import Palette

__all__ = ["against_rate", "rate_band", "rate_line"]

_HEIGHT_PX: Final = 460
_ROOM: Final = 0.08  # of a decade at either side
_ACROSS: Final = {"yref": "paper", "y0": 0, "y1": 1, "layer": "below"}


def against_rate(
    rates: FloatArray, y_axis: dict[str, Any], colours: Palette, title: str
) -> dict[str, Any]:
    """Return a layout whose x axis covers rates of any shape; `title` is what the y axis shows."""
    layout = base_layout(colours, _HEIGHT_PX)
    low, high = (math.log10(rates.min()), math.log10(rates.max())) if len(rates) else (0.0, 1.0)
    room = _ROOM * (1 + high - low)
    look = {"gridcolor": colours.line, "zeroline": False}
    layout["xaxis"] = {
        **log_axis(rates),
        "range": [low - room, high + room],
        "title": {"text": "learning rate", "standoff": 6},
        **look,
    }
    layout["yaxis"] = {**y_axis, "title": {"text": title, "standoff": 6}, **look}
    layout |= {"hovermode": "closest", "showlegend": True}
    layout["legend"] = legend(1.02)
    layout["margin"] = {**layout["margin"], "t": 44, "l": 74}
    return layout


def rate_band(band: tuple[float, float] | None, colours: Palette) -> list[dict[str, Any]]:
    """Shade the rates to try; a single one gets a little room to be seen."""
    if band is None:
        return []
    paint = {"fillcolor": colours.marks["disc"], "opacity": colours.shade * 1.5}
    edges = {"x0": band[0] / 1.06, "x1": band[1] * 1.06}
    return [{"type": "rect", **_ACROSS, **edges, **paint, "line": {"width": 0}}]


def rate_line(rate: float, colour: str) -> dict[str, Any]:
    """Return a dotted line at a rate."""
    line = {"color": colour, "width": 1, "dash": "dot"}
    return {"type": "line", **_ACROSS, "x0": rate, "x1": rate, "line": line}
