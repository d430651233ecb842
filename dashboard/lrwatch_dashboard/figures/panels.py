"""The panels of the Run page, each as traces and a y axis."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from lrwatch.formats import count, number
from lrwatch_dashboard.address import YScale
from lrwatch_dashboard.figures.axes import linear_axis, log_axis
from lrwatch_dashboard.figures.heat_map import heat_panels
from lrwatch_dashboard.figures.own_panels import beside_loss, metric_line, own_panels
from lrwatch_dashboard.figures.panel import (
    Panel,
    escape,
    line,
    loss_axis,
    shortened,
    value_axis,
    within,
)
from lrwatch_dashboard.own_metrics import Family
from lrwatch_dashboard.theme import Palette
from lrwatch_dashboard.views import Curve, RunCurves

__all__ = ["RATIO_GUIDE", "run_panels"]

RATIO_GUIDE: Final = 1e-3
"""Update over weight that is often taken as healthy (A. Karpathy, CS231n notes)."""

_RAW_OPACITY: Final = 0.35
_GROUPS_APART: Final = 20.0  # peaks of groups this far apart need a log axis
_FEW_GROUPS: Final = 4  # parameter groups whose rates are read in one line
_LONGEST_NOTE: Final = 42  # characters beside the title of a panel
_LONGEST_NAME: Final = 34
_DASHES: Final = ("solid", "dash", "dot")


def run_panels(
    curves: RunCurves, palette: Palette, *, y: YScale = "auto", shown: Sequence[Family] = ()
) -> tuple[Panel, ...]:
    """Return the panels from top to bottom, with y axes of the scale that is asked for.

    `shown` are the families of the user's own metrics that are drawn, whose lines the curves hold.
    """
    return (
        _loss(curves, palette, y, beside_loss(curves, shown)),
        _learning_rate(curves, palette, y),
        _gradient_norm(curves, palette, y),
        _update_ratio(curves, palette, y),
        *own_panels(curves, shown, palette, y),
        *heat_panels(curves, shown),
    )


def _loss(curves: RunCurves, palette: Palette, y: YScale, beside: Sequence[Curve]) -> Panel:
    title = "Loss"
    if not len(curves.loss.x) and not curves.n_broken:
        if beside:
            return _losses("", [], beside, (curves, palette, y))
        missing = "No loss recorded. Log it with run.log(loss=loss)."
        return Panel(title, missing=missing)
    hue = palette.hues[0]
    raw = line(curves.loss, hue, name="loss", width=1)
    if not curves.half_life:
        return _losses("raw", [raw], beside, (curves, palette, y))
    smooth = line(curves.smooth_loss, hue, name="smoothed", width=1.8)
    # Beside a legend there is little room on a narrow screen.
    half_life = f"half-life {count(curves.half_life)}"
    note = half_life if beside else f"raw and smoothed, {half_life} steps"
    lines = [raw | {"opacity": _RAW_OPACITY}, smooth]
    return _losses(note, lines, beside, (curves, palette, y))


def _losses(
    note: str,
    lines: list[dict[str, Any]],
    beside: Sequence[Curve],
    shown: tuple[RunCurves, Palette, YScale],
) -> Panel:
    """Return the panel of the training loss, and of losses on other data beside it."""
    curves, palette, y = shown
    values = [within(curve, curves.window) for curve in (curves.loss, *beside)]
    axis, left_out = loss_axis(np.concatenate(values), y)
    for i, curve in enumerate(beside, start=1):
        hue = palette.hues[i % len(palette.hues)]
        lines.append(metric_line(curve, hue, name=shortened(curve.name, _LONGEST_NAME), width=1.8))
    known = tuple(trace["name"] for trace in lines[: len(lines) - len(beside)])
    return Panel("Loss", note + left_out, tuple(lines), axis, legend=bool(beside), unnamed=known)


def _learning_rate(curves: RunCurves, palette: Palette, y: YScale) -> Panel:
    title = "Learning rate"
    drawn = [curve for curve in curves.lr if len(curve.x)]
    if not drawn:
        return Panel(title, missing="No learning rate recorded.")
    traces = []
    for i, curve in enumerate(drawn):
        hue = palette.hues[i % len(palette.hues)]
        trace = line(
            curve, hue, name=shortened(curve.name, _LONGEST_NAME) or "learning rate", width=1.8
        )
        trace["line"] |= {"shape": "hv", "dash": _DASHES[i // len(palette.hues) % len(_DASHES)]}
        traces.append(trace)
    steady = _steady(drawn) if curves.is_steady else ""
    if steady:
        return Panel(title, steady)
    values = np.concatenate([within(curve, curves.window) for curve in drawn])
    peaks = [float(np.nanmax(curve.y, initial=0.0)) for curve in drawn]
    is_apart = min(peaks) > 0 and max(peaks) > _GROUPS_APART * min(peaks)
    is_log = y == "log" or (y == "auto" and is_apart)
    several = len(drawn) > 1
    return Panel(
        title,
        "by parameter group" if several else _brief(curves.schedule),
        tuple(traces),
        log_axis(values) if is_log else linear_axis(values),
        legend=several,
    )


def _brief(schedule: str) -> str:
    """Return a schedule in few enough words for a narrow screen: the warm-up is left out."""
    if len(schedule) <= _LONGEST_NOTE or not schedule.startswith("warm-up"):
        return schedule
    return f"..., {schedule.partition(', ')[2]}"


def _steady(curves: Sequence[Curve]) -> str:
    """Say which rate a run had that never changed; a line that is flat shows no more."""
    rates = [(curve.name, float(curve.y[0])) for curve in curves]
    if len(rates) > _FEW_GROUPS or len(curves[0].x) < 2:  # noqa: PLR2004
        return ""
    said = [
        f"{number(rate, 4)} {escape(name) and f'({escape(name)})'}".strip() for name, rate in rates
    ]
    return f"{', '.join(said)} at every step"


def _gradient_norm(curves: RunCurves, palette: Palette, y: YScale) -> Panel:
    title = "Gradient norm"
    if not len(curves.grad_norm.x):
        missing = "No gradient norm recorded. lrwatch.watch records it."
        return Panel(title, missing=missing)
    values = within(curves.grad_norm, curves.window)
    traces = [line(curves.grad_norm, palette.hues[0], name="gradient norm", width=1.2)]
    if curves.clipped is not None:
        # Drawn first: it is seen where it differs, and lies hidden where it does not.
        clipped = line(curves.clipped, palette.hues[1], name="after clipping", width=1.2)
        traces.insert(0, clipped)
        values = np.append(values, within(curves.clipped, curves.window))
    is_clipped = curves.clipped is not None
    note = "before and after clipping" if is_clipped else "before clipping"
    return Panel(title, note, tuple(traces), value_axis(values, y), legend=is_clipped)


def _update_ratio(curves: RunCurves, palette: Palette, y: YScale) -> Panel:
    title = "Update / weight"
    if not len(curves.update_ratio.x):
        missing = "No update norm recorded. lrwatch.watch samples it."
        return Panel(title, missing=missing)
    return Panel(
        title,
        "ratio of norms; dotted line at 1e-3",
        (line(curves.update_ratio, palette.hues[0], name="update / weight", width=1.2),),
        value_axis(within(curves.update_ratio, curves.window), y, RATIO_GUIDE),
        guides=(RATIO_GUIDE,),
    )
