"""Settings of runs against what they came to: a scatter, and parallel coordinates."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from lrwatch.formats import number
from lrwatch.records import FloatArray
from lrwatch_dashboard.address import run_href
from lrwatch_dashboard.comparison_views import SettingPoint
from lrwatch_dashboard.figures.axes import linear_axis, log_axis
from lrwatch_dashboard.figures.panel import escape
from lrwatch_dashboard.figures.stack import base_layout
from lrwatch_dashboard.theme import DASHES, palette

__all__ = ["parallel_figure", "scatter_figure"]

_HEIGHT_PX: Final = 320
_WIDE: Final = 10.0  # values that span more than this are laid out by their logarithms
_LONGEST: Final = 18


@dataclass(frozen=True, slots=True)
class _Scale:
    """Where the values of a setting or result lie; texts lie side by side in their order."""

    places: FloatArray
    axis: dict[str, Any]
    ends: tuple[str, str]


def scatter_figure(
    points: Sequence[SettingPoint],
    looks: Mapping[str, tuple[int, int]],
    names: tuple[str, str],
    *,
    theme: str | None = None,
) -> go.Figure:
    """Draw a setting against a result: their names, and of each run the last of its values."""
    colours = palette(theme)
    known = [point for point in points if point.result is not None]
    x, y = _scale([p.values[-1] for p in known]), _scale([p.result for p in known])
    layout = base_layout(colours, _HEIGHT_PX)
    look = {"gridcolor": colours.line, "zeroline": False}
    for axis, scale, name in (("xaxis", x, names[0]), ("yaxis", y, names[1])):
        layout[axis] = {**scale.axis, **look, "title": {"text": _short(name), "standoff": 6}}
    layout |= {"hovermode": "closest", "uirevision": "settings"}
    layout["margin"] = {**layout["margin"], "t": 16, "l": 74}
    figure = go.Figure()
    if known:
        figure.add_trace(
            {
                "type": "scatter",
                "mode": "markers",
                "x": x.places.tolist(),
                "y": y.places.tolist(),
                "name": "runs",
                "text": [_said(point, names) for point in known],
                "customdata": [run_href(point.key) for point in known],
                "marker": {
                    "symbol": "circle",
                    "size": 10,
                    "color": [colours.line_colour(looks[point.key][0]) for point in known],
                },
                "hovertemplate": "%{text}<extra></extra>",
                "showlegend": False,
                "cliponaxis": False,
            }
        )
    return figure.update_layout(layout)


def parallel_figure(
    points: Sequence[SettingPoint],
    looks: Mapping[str, tuple[int, int]],
    names: Sequence[str],
    *,
    theme: str | None = None,
) -> go.Figure:
    """Draw each run as a line across its settings, and a result at the end; `names` name them."""
    colours = palette(theme)
    known = [point for point in points if point.result is not None]
    columns = [*zip(*(point.values for point in known), strict=True)]
    scales = [_scale(column) for column in (*columns, [point.result for point in known])]
    layout = base_layout(colours, _HEIGHT_PX)
    ticks = list(range(len(names)))
    layout["xaxis"] = {
        "range": [-0.15, len(names) - 0.85],
        "tickvals": ticks,
        "ticktext": [f"{s.ends[0]}<br>{_short(n)}" for s, n in zip(scales, names, strict=False)],
        "fixedrange": True,
        "gridcolor": colours.muted,
        "zeroline": False,
    }
    bare = {"range": [-0.02, 1.02], "tickvals": [], "ticktext": [], "fixedrange": True}
    layout["yaxis"] = {**bare, "gridcolor": colours.line, "zeroline": False}
    layout |= {"hovermode": "closest", "uirevision": "settings"}
    layout["margin"] = {**layout["margin"], "t": 24, "l": 24}
    layout["annotations"] = [
        _top(place, scale.ends[1], colours.muted)
        for place, scale in zip(ticks, scales, strict=False)
    ]
    figure = go.Figure()
    for i, point in enumerate(known):
        hue, dash = looks[point.key]
        line = {"color": colours.line_colour(hue), "width": 1.6, "dash": DASHES[dash]}
        figure.add_trace(
            {
                "type": "scatter",
                "mode": "lines",
                "x": ticks,
                "y": [_share(scale, i) for scale in scales],
                "name": escape(point.name),
                "line": line,
                "hovertemplate": "%{fullData.name}<extra></extra>",
                "showlegend": False,
            }
        )
    return figure.update_layout(layout)


def _scale(values: Sequence[Any]) -> _Scale:
    """Return where values lie: by size where all are numbers, else by the order of their texts."""
    if all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        numbers = np.array([float(value) for value in values])
        finite = numbers[np.isfinite(numbers)]
        low, high = (float(finite.min()), float(finite.max())) if len(finite) else (0.0, 1.0)
        is_wide = low > 0 and high > _WIDE * low
        axis = log_axis(finite) if is_wide else linear_axis(finite)
        return _Scale(numbers, axis, (number(low, 3), number(high, 3)))
    texts = ["–" if value is None else str(value) for value in values]
    order = sorted(dict.fromkeys(texts))
    places = np.array([float(order.index(text)) for text in texts])
    ticks = {"tickvals": list(range(len(order))), "ticktext": [_short(text) for text in order]}
    axis = {"type": "linear", "range": [-0.5, len(order) - 0.5], **ticks}
    return _Scale(places, axis, (_short(order[0]), _short(order[-1]) if len(order) > 1 else ""))


def _share(scale: _Scale, place: int) -> float | None:
    """Return how high a value stands between the least and the greatest; None if it has no size."""
    is_log = scale.axis["type"] == "log"
    values = np.log10(scale.places) if is_log else scale.places
    finite = values[np.isfinite(values)]
    if not math.isfinite(values[place]):
        return None
    low, high = float(finite.min()), float(finite.max())
    return float((values[place] - low) / (high - low)) if high > low else 0.5


def _top(place: int, text: str, colour: str) -> dict[str, Any]:
    common = {"text": text, "x": place, "y": 1, "yref": "paper", "showarrow": False}
    look = {"font": {"color": colour, "size": 12}}
    return {**common, "xanchor": "center", "yanchor": "bottom", "yshift": 2, **look}


def _said(point: SettingPoint, names: tuple[str, str]) -> str:
    value = point.values[-1]
    shown = number(value, 4) if isinstance(value, float) else _short(str(value))
    pairs = ((names[0], shown), (names[1], number(point.result)))
    said = "<br>".join(f"{_short(name)} {text}" for name, text in pairs)
    return f"<b>{escape(point.name)}</b><br>{said}"


def _short(text: str) -> str:
    cut = text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
    return str(escape(cut))
