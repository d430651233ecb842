"""The chart of a range test: loss against the learning rate, with the rates that tell."""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import plotly.graph_objects as go

from lrwatch.formats import number
from lrwatch_dashboard.address import YScale
from lrwatch_dashboard.comparison_views import RangeReading
from lrwatch_dashboard.figures.against_rate import against_rate, rate_band, rate_line
from lrwatch_dashboard.figures.axes import linear_axis, log_axis
from lrwatch_dashboard.figures.panel import line
from lrwatch_dashboard.theme import Palette, palette
from lrwatch_dashboard.views import Curve

__all__ = ["range_figure"]

_RAW_OPACITY: Final = 0.35
_ABOVE: Final = 10.0  # times the loss of the start, from where on a loss leaves the frame


def range_figure(
    key: str, test: RangeReading, *, theme: str | None = None, y: YScale = "auto"
) -> go.Figure:
    """Draw a run's range test; a ``y`` of ``auto`` is a log axis where every loss is positive."""
    colours = palette(theme)
    hue = colours.hues[0]
    raw = line(Curve("", test.rates, test.losses), hue, name="loss", width=1) | {
        "opacity": _RAW_OPACITY
    }
    medians = line(Curve("", test.middle_rates, test.median_losses), hue, name="median", width=1.8)
    for trace in (raw, medians):
        trace["hovertemplate"] = "loss %{y:.4~g} at %{x:.3~g}<extra></extra>"
    points = _points(test, colours)
    figure = go.Figure([raw, medians, *(_mark(test, *point) for point in points)])
    layout = against_rate(test.rates, _loss_axis(test, y), colours, "loss")
    layout["shapes"] = rate_band(test.band, colours)
    layout["shapes"] += [rate_line(rate, colour) for _, rate, _, colour in points]
    return figure.update_layout(layout | {"uirevision": f"range {key}"})


def _points(test: RangeReading, colours: Palette) -> list[tuple[str, float, str, str]]:
    """Return name, rate, symbol and colour of each rate that was found."""
    found = (
        ("steepest", test.steepest, "diamond", colours.ink),
        ("lowest", test.lowest, "circle", colours.marks["disc"]),
        ("diverges", test.diverges, "x", colours.marks["cross"]),
    )
    return [(name, rate, symbol, colour) for name, rate, symbol, colour in found if rate]


def _mark(test: RangeReading, name: str, rate: float, symbol: str, colour: str) -> dict[str, Any]:
    height = float(np.interp(np.log(rate), np.log(test.middle_rates), test.median_losses))
    return {
        "type": "scatter",
        "mode": "markers",
        "x": [rate],
        "y": [height],
        "name": name,
        "marker": {"symbol": symbol, "size": 11, "color": colour},
        "text": [f"{name}, {number(rate, 2)}"],
        "hovertemplate": "%{text}<extra></extra>",
    }


def _loss_axis(test: RangeReading, y: YScale) -> dict[str, Any]:
    medians = test.median_losses
    losses = test.losses[np.isfinite(test.losses)]
    # What comes after it diverges says nothing more, and would press the rest flat.
    kept = losses[losses <= _ABOVE * max(medians[0], 0.0)] if len(medians) else losses
    kept = kept if len(kept) else losses
    is_log = y != "linear" and len(kept) > 0 and float(kept.min()) > 0
    return log_axis(kept) if is_log else linear_axis(kept)
