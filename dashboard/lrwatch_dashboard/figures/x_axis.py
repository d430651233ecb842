"""The x axis of charts over a run: steps, or the time since the first step."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from lrwatch.formats import duration
from lrwatch_dashboard.address import metric_of_axis
from lrwatch_dashboard.figures.panel import escape
from lrwatch_dashboard.views import Curve, RunCurves, StepTimes, Window

__all__ = ["by_time", "step_range", "time_axis", "x_axis"]

_N_TICKS: Final = 8
_FEW_STEPS: Final = 6  # between which plotly would name halves
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_TIME_STEPS: Final = (
    *(m * 10.0**e for e in range(-3, 1) for m in (1, 2, 5)),
    *(10.0, 15.0, 30.0),
    *(m * _MINUTE for m in (1, 2, 5, 10, 15, 30)),
    *(m * _HOUR for m in (1, 2, 3, 6, 12)),
    *(m * _DAY for m in (1, 2, 5, 10, 20, 50, 100)),
)


def by_time(curves: RunCurves, clock: StepTimes, window: Window | None = None) -> RunCurves:
    """Return curves whose x are what a clock counts, and whose zoom is `window`.

    `last_step`, the broken steps and resumes become seconds, too, or whatever it is.
    """

    def moved(curve: Curve) -> Curve:
        return dataclasses.replace(curve, x=clock.seconds_at(curve.x))

    def at(step: float | None) -> float | None:
        return None if step is None else float(clock.seconds_at(step))

    changes: dict[str, Any] = {
        name: moved(getattr(curves, name))
        for name in ("loss", "smooth_loss", "grad_norm", "update_ratio")
    }
    changes |= {"last_step": at(curves.last_step), "first_broken": at(curves.first_broken)}
    changes |= {"broken": clock.seconds_at(curves.broken)}
    for name in ("resumes", "cuts"):
        steps = getattr(curves, name)
        changes[name] = tuple(clock.seconds_at(steps).tolist()) if steps else ()
    clipped = moved(curves.clipped) if curves.clipped is not None else None
    changes |= {name: tuple(map(moved, getattr(curves, name))) for name in ("lr", "own")}
    return dataclasses.replace(curves, clipped=clipped, window=window, **changes)


def x_axis(x: str, runs: Sequence[RunCurves]) -> dict[str, Any]:
    """Return what the x axis over runs shows, which are drawn by what it counts."""
    if x == "time":
        return time_axis(runs)
    shown = step_range(runs)
    if x == "step":
        ends = shown.get("autorangeoptions", {"clipmin": 0, "clipmax": math.inf})
        return shown | ({"dtick": 1} if ends["clipmax"] - ends["clipmin"] <= _FEW_STEPS else {})
    name = escape(metric_of_axis(x)) or "steps since the first"
    title = {"text": name, "standoff": 6}
    hover = {"text": f"{name} %{{x:,.6~g}}"}
    return {**shown, "title": title, "exponentformat": "B", "unifiedhovertitle": hover}


def step_range(runs: Sequence[RunCurves]) -> dict[str, Any]:
    """Return which steps an axis over runs shows: the zoom, or all of them."""
    first, last, window = _extent(runs)
    if window is not None:
        return {"autorange": False, "range": list(window)}
    if last is None:
        return {"autorange": True, "visible": False}
    if last <= first:
        return {"autorange": False, "range": [first - 1, first + 1], "tickvals": [first]}
    # Crosses are markers, for which plotly would leave room beside the first and last step.
    return {"autorange": True, "autorangeoptions": {"clipmin": first, "clipmax": last}}


def time_axis(runs: Sequence[RunCurves]) -> dict[str, Any]:
    """Return range and ticks of an axis in seconds over runs that are drawn by time."""
    first, last, window = _extent(runs)
    shown = step_range(runs)
    low, high = window or (first, last if last is not None else first)
    ticks = _time_ticks(low, high)
    return {
        **shown,
        "title": {"text": "time since the first step", "standoff": 6},
        "tickvals": ticks,
        "ticktext": [_time_text(tick) for tick in ticks],
        "unifiedhovertitle": {"text": "%{x:,.4~r} s"},
    }


def _extent(runs: Sequence[RunCurves]) -> tuple[float, float | None, Window | None]:
    lines = [c for run in runs for c in (run.loss, *run.lr, run.grad_norm, run.update_ratio)]
    first = min((float(line.x[0]) for line in lines if len(line.x)), default=0.0)
    last = max((run.last_step for run in runs if run.last_step is not None), default=None)
    window = next((run.window for run in runs if run.window is not None), None)
    return first, last, window


def _time_ticks(low: float, high: float) -> list[float]:
    span = high - low
    if not span > 0:
        return [low]
    step = next((s for s in _TIME_STEPS if span / s <= _N_TICKS), span / _N_TICKS)
    first = math.ceil(low / step - 1e-9)
    # Far beyond the zoom as well: a pan shows them before the server has answered.
    ticks = np.arange(max(first - 2 * _N_TICKS, 0), math.floor(high / step) + 2 * _N_TICKS + 1)
    return [float(f"{tick * step:.10g}") for tick in ticks]


def _time_text(seconds: float) -> str:
    """Write a time on an axis: "90 s" never, but "1:30"; "1:05 h"; "2 days"."""
    if seconds == 0:
        return "0"
    if seconds < _MINUTE:
        return duration(seconds) if seconds >= 1 and seconds % 1 == 0 else f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), _MINUTE)
    if seconds < _HOUR:
        return f"{minutes} min" if not rest else f"{minutes}:{rest:02d} min"
    hours, minutes = divmod(minutes, 60)
    if seconds < 2 * _DAY:
        return f"{hours} h" if not minutes else f"{hours}:{minutes:02d} h"
    return f"{seconds / _DAY:.3g} days"
