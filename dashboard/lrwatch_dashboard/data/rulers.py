"""What the x axis of a chart counts, if not steps: a run's own measure of how far it is."""

from __future__ import annotations

import dataclasses

import numpy as np

from lrwatch_dashboard.address import metric_of_axis
from lrwatch_dashboard.views import Curve, RunSource, RunView, StepTimes

__all__ = ["ruled", "ruler"]

_NONE = StepTimes(np.empty(0), np.empty(0))


def ruled(source: RunSource, view: RunView, x: str) -> RunView:
    """Return a run whose clock is what an x axis counts; steps and time leave it as it is."""
    metric = metric_of_axis(x)
    if metric:
        curves = source.curves(view.key, is_coarse=True, own=(metric,))
        return dataclasses.replace(
            view, clock=ruler(curves.own[0], view.last_step) if curves else _NONE
        )
    if x == "start" and view.last_step is not None and view.steps > 1:
        ends = np.array([view.last_step + 1 - view.steps, view.last_step], dtype=np.float64)
        return dataclasses.replace(view, clock=StepTimes(ends, ends - ends[0]))
    return view


def ruler(metric: Curve, last_step: int | None) -> StepTimes:
    """Return the steps at which a metric that only rises did so, and what it was then.

    What is logged as a whole number, an epoch say, stays as it is for many steps: between two rises
    it is taken to grow evenly, and so after the last. Empty where it falls, or never rises.
    """
    step, value = metric.x, metric.y
    if len(value) < 2 or (np.diff(value) < 0).any() or value[-1] == value[0]:  # noqa: PLR2004
        return _NONE
    rises = np.append(True, np.diff(value) > 0)
    at, values = step[rises], value[rises]
    slope = (values[-1] - values[-2]) / (at[-1] - at[-2])
    end = float(last_step if last_step is not None else step[-1])
    if end > at[-1]:
        at, values = np.append(at, end), np.append(values, values[-1] + slope * (end - at[-1]))
    first = max(values[0] - (values[1] - values[0]) / (at[1] - at[0]) * at[0], min(values[0], 0.0))
    if at[0] > 0:
        at, values = np.append(0.0, at), np.append(first, values)
    return StepTimes(at, values)
