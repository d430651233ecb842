"""The four panels of the Run page, each as traces and a y axis."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lrwatch.formats import count
from lrwatch_dashboard.figures.axes import linear_axis, log_axis
from lrwatch_dashboard.theme import Palette
from lrwatch_dashboard.views import Curve, RunCurves, Window

__all__ = ["RATIO_GUIDE", "Panel", "escape", "run_panels"]

RATIO_GUIDE: Final = 1e-3
"""Update over weight that is often taken as healthy (A. Karpathy, CS231n notes)."""

_RAW_OPACITY: Final = 0.35
_GROUPS_APART: Final = 20.0  # peaks of groups this far apart need a log axis
_OUTLIER_FACTOR: Final = 1e4  # a loss so many times the 90 % quantile is cut off, and counted
_FLOAT32: Final = np.finfo(np.float32)
_DASHES: Final = ("solid", "dash", "dot")


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
        What to say instead, if there is nothing to draw.
    guides
        Values at which a dotted line runs across.
    legend
        Whether the traces need a legend, in this panel's corner.
    """

    title: str
    note: str = ""
    traces: tuple[dict[str, Any], ...] = ()
    axis: dict[str, Any] = field(default_factory=dict)
    missing: str = ""
    guides: tuple[float, ...] = ()
    legend: bool = False


def run_panels(curves: RunCurves, palette: Palette) -> tuple[Panel, ...]:
    """Return the panels from top to bottom."""
    return (
        _loss(curves, palette),
        _learning_rate(curves, palette),
        _gradient_norm(curves, palette),
        _update_ratio(curves, palette),
    )


def escape(text: str) -> str:
    """Make a user's text safe for plotly, whose texts are a kind of HTML."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _loss(curves: RunCurves, palette: Palette) -> Panel:
    title = "Loss"
    if not len(curves.loss.x) and not curves.n_broken:
        missing = "No loss was seen. Pass it with run.log(loss=loss)."
        return Panel(title, missing=missing)
    shown = _within(curves.loss, curves.window)
    finite = shown[np.isfinite(shown)]
    note = f"raw and smoothed, half-life {count(curves.half_life)} steps"
    if len(finite) and finite.min() > 0:
        kept, n_above = _without_outliers(finite)
        axis = log_axis(kept)
        note += f"; {count(n_above)} above the frame" if n_above else ""
    else:
        axis = linear_axis(finite)
    hue = palette.hues[0]
    raw = _line(curves.loss, hue, name="loss", width=1) | {"opacity": _RAW_OPACITY}
    smooth = _line(curves.smooth_loss, hue, name="smoothed", width=1.8)
    return Panel(title, note, (raw, smooth), axis)


def _learning_rate(curves: RunCurves, palette: Palette) -> Panel:
    title = "Learning rate"
    drawn = [curve for curve in curves.lr if len(curve.x)]
    if not drawn:
        return Panel(title, missing="No learning rate was recorded.")
    traces = []
    for i, curve in enumerate(drawn):
        hue = palette.hues[i % len(palette.hues)]
        trace = _line(curve, hue, name=escape(curve.name) or "learning rate", width=1.8)
        trace["line"] |= {"shape": "hv", "dash": _DASHES[i // len(palette.hues) % len(_DASHES)]}
        traces.append(trace)
    values = np.concatenate([_within(curve, curves.window) for curve in drawn])
    peaks = [float(np.nanmax(curve.y, initial=0.0)) for curve in drawn]
    is_log = min(peaks) > 0 and max(peaks) > _GROUPS_APART * min(peaks)
    several = len(drawn) > 1
    return Panel(
        title,
        "by parameter group" if several else "",
        tuple(traces),
        log_axis(values) if is_log else linear_axis(values),
        legend=several,
    )


def _gradient_norm(curves: RunCurves, palette: Palette) -> Panel:
    title = "Gradient norm"
    if not len(curves.grad_norm.x):
        missing = "No gradient norm was recorded. lrwatch.watch records it at every step."
        return Panel(title, missing=missing)
    values = _within(curves.grad_norm, curves.window)
    traces = [_line(curves.grad_norm, palette.hues[0], name="gradient norm", width=1.2)]
    if curves.clipped is not None:
        # Drawn first: it is seen where it differs, and lies hidden where it does not.
        clipped = _line(curves.clipped, palette.hues[1], name="after clipping", width=1.2)
        traces.insert(0, clipped)
        values = np.append(values, _within(curves.clipped, curves.window))
    note = "before and after clipping" if curves.clipped is not None else "before clipping"
    return Panel(title, note, tuple(traces), log_axis(values), legend=curves.clipped is not None)


def _update_ratio(curves: RunCurves, palette: Palette) -> Panel:
    title = "Update / weight"
    if not len(curves.update_ratio.x):
        missing = "No update norm was recorded. lrwatch.watch(optimizer) samples it."
        return Panel(title, missing=missing)
    return Panel(
        title,
        "ratio of norms; dotted line at 1e-3",
        (_line(curves.update_ratio, palette.hues[0], name="update / weight", width=1.2),),
        log_axis(_within(curves.update_ratio, curves.window), RATIO_GUIDE),
        guides=(RATIO_GUIDE,),
    )


def _line(curve: Curve, colour: str, *, name: str, width: float) -> dict[str, Any]:
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


def _light(y: npt.NDArray[np.float64]) -> npt.NDArray[np.floating[Any]]:
    """Return half the bytes where that is finer than any screen, which it is but for extremes."""
    sizes = np.abs(y[np.isfinite(y) & (y != 0)])
    fits = not len(sizes) or (sizes.min() > _FLOAT32.tiny and sizes.max() < _FLOAT32.max)
    return y.astype(np.float32) if fits else y


def _within(curve: Curve, window: Window | None) -> npt.NDArray[np.float64]:
    if window is None:
        return curve.y
    inside = curve.y[(curve.x >= window[0]) & (curve.x <= window[1])]
    return inside if len(inside) else curve.y


def _without_outliers(values: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], int]:
    limit = _OUTLIER_FACTOR * float(np.quantile(values, 0.9))
    kept = values[values <= limit]
    return kept, len(values) - len(kept)
