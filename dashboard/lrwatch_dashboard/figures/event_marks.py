"""What the training said of itself, as marks on the lower frame of the first panel.

Checkpoints come by the dozen, so that lines through all panels would hide what they are about.
"""

from __future__ import annotations

from typing import Any, Final

import plotly.graph_objects as go

from lrwatch_dashboard.figures.panel import shortened, within
from lrwatch_dashboard.own_metrics import EVENTS, is_event
from lrwatch_dashboard.theme import Palette
from lrwatch_dashboard.views import Curve, RunCurves

__all__ = ["mark_events"]

_LONGEST: Final = 28
_MOST_KINDS: Final = 4
_LINE_PX: Final = 14
_ABOVE_MARK_PX: Final = 6


def mark_events(
    figure: go.Figure, curves: RunCurves, axis: dict[str, Any], colours: Palette
) -> None:
    """Add the marks to a figure whose first panel has an axis."""
    bottom = axis["range"][0]
    y = 10.0**bottom if axis["type"] == "log" else bottom
    kinds = [curve for curve in curves.own if is_event(curve.name) and len(curve.x)]
    for i, curve in enumerate(kinds[:_MOST_KINDS]):
        name = shortened(curve.name.removeprefix(f"{EVENTS}/"), _LONGEST)
        figure.add_trace(_marks(curve, y, name, colours))
        figure.add_annotation(
            _name(curve, name, curves, i, colours), y=figure.layout.yaxis.domain[0]
        )


def _marks(curve: Curve, y: float, name: str, colours: Palette) -> dict[str, Any]:
    n = len(curve.x)
    return {
        "type": "scatter",
        "mode": "markers",
        "x": curve.x,
        "y": [y] * n,
        "text": [name] * n,
        "name": "event",
        "marker": {"symbol": "triangle-up", "size": 8, "color": colours.muted},
        "cliponaxis": False,
        "hovertemplate": "%{text}",
        "showlegend": False,
        "xaxis": "x",
        "yaxis": "y",
    }


def _name(
    curve: Curve, name: str, curves: RunCurves, place: int, colours: Palette
) -> dict[str, Any]:
    """Return the name of a kind, at the first of them that is seen."""
    first, last = curves.window or (0.0, float(curves.last_step or 0))
    x = float(within(Curve("", curve.x, curve.x), curves.window)[0])
    is_late = 2 * x > first + last
    return {
        "text": name,
        "x": x,
        "yref": "paper",
        "yanchor": "bottom",
        "yshift": _ABOVE_MARK_PX + _LINE_PX * place,
        "xanchor": "right" if is_late else "left",
        "showarrow": False,
        "font": {"color": colours.muted, "size": 11},
    }
