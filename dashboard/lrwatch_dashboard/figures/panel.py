"""One chart of a stack: its traces and its y axis, and the line that all of them draw."""

from __future__ import annotations

import html
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lrwatch.formats import count
from lrwatch_dashboard.address import YScale
from lrwatch_dashboard.figures.axes import linear_axis, log_axis
from lrwatch_dashboard.views import Curve, Window

__all__ = ["Panel", "escape", "line", "loss_axis", "shortened", "value_axis", "within"]


_OUTLIER_FACTOR: Final = 1e4  # a loss so many times the 90 % quantile is cut off, and counted
_FLOAT32: Final = np.finfo(np.float32)

escape: Final = partial(html.escape, quote=False)
"""Makes a user's text safe for plotly, whose texts are a kind of HTML."""


def shortened(name: str, longest: int) -> str:
    """Return a name safe for plotly, its middle left out where it is long: its ends tell it apart.

    Examples
    --------
    >>> shortened("transformer.h.11.attn.c_proj", 18)
    'transfor…tn.c_proj'
    """
    if len(name) > longest:
        half = longest // 2
        name = f"{name[: longest - half - 1]}…{name[-half:]}"
    return escape(name)


@dataclass(frozen=True, slots=True)
class Panel:
    """One chart of the stack.

    Attributes
    ----------
    title, note
        What stands above it: the quantity, and how it is drawn.
    traces
        Plotly traces without their axes.
    axis
        The y axis.
    missing
        What to say instead, if there is nothing to draw. Without traces and this, the panel is its
        heading alone.
    guides
        Values at which a dotted line runs across.
    legend
        Whether the traces need a legend: beside the title where both are short, or else below it.
    is_low
        Whether little height will do; without a trace the panel keeps that place for one to come.
    unnamed
        Names of traces that the legend leaves out.
    image, n_rows
        A picture instead of traces, without its y axis, and how many rows it has.
    longest_label
        Letters of the longest text beside the y axis, where these are names.
    """

    title: str
    note: str = ""
    traces: tuple[dict[str, Any], ...] = ()
    axis: dict[str, Any] = field(default_factory=dict)
    missing: str = ""
    guides: tuple[float, ...] = ()
    legend: bool = False
    is_low: bool = False
    unnamed: tuple[str, ...] = ()
    image: dict[str, Any] | None = None
    n_rows: int = 0
    longest_label: int = 0

    @property
    def is_drawn(self) -> bool:
        """Whether there is more to it than its heading."""
        return bool(self.traces) or self.image is not None


def line(curve: Curve, colour: str, *, name: str, width: float) -> dict[str, Any]:
    """Return the trace of a curve."""
    return {
        "type": "scatter",
        "mode": "lines" if len(curve.x) > 1 else "markers",
        "x": curve.x,
        "y": _light(curve.y),
        "name": name,
        "line": {"color": colour, "width": width},
        "marker": {"color": colour, "size": 6},
        "hovertemplate": "%{y:.4~g}",
        "showlegend": False,
    }


def within(curve: Curve, window: Window | None) -> npt.NDArray[np.float64]:
    """Return the values that a zoom shows; all of them if it shows none."""
    if window is None:
        return curve.y
    inside = curve.y[(curve.x >= window[0]) & (curve.x <= window[1])]
    return inside if len(inside) else curve.y


def value_axis(values: npt.NDArray[np.float64], y: YScale, *include: float) -> dict[str, Any]:
    """Return a log axis, unless a linear one is asked for or nothing is positive."""
    positive = values[np.isfinite(values) & (values > 0)]
    if y == "linear" or not len(positive):
        return linear_axis(values)
    return log_axis(values, *include)


def loss_axis(values: npt.NDArray[np.float64], y: YScale) -> tuple[dict[str, Any], str]:
    """Return the axis of a loss, and what to add to the panel's note.

    The few values that tower above the rest are left out, and counted in the note.
    """
    finite = values[np.isfinite(values)]
    if not len(finite) or (y != "log" and finite.min() <= 0):
        return linear_axis(finite), ""
    limit = _OUTLIER_FACTOR * float(np.quantile(finite, 0.9))
    kept = finite[finite <= limit] if limit > 0 else finite
    n_above = len(finite) - len(kept)
    return value_axis(kept, y), f"; {count(n_above)} above the frame" if n_above else ""


def _light(y: npt.NDArray[np.float64]) -> npt.NDArray[np.floating[Any]]:
    """Return half the bytes where that is finer than any screen, which it is but for extremes."""
    sizes = np.abs(y[np.isfinite(y) & (y != 0)])
    fits = not len(sizes) or (sizes.min() > _FLOAT32.tiny and sizes.max() < _FLOAT32.max)
    return y.astype(np.float32) if fits else y
