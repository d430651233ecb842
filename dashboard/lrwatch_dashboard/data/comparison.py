"""Several runs side by side: what differs in their settings, and by how much their losses do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from lrwatch.comparing import find_sweeps
from lrwatch_dashboard.comparison_views import ComparedRun, Delta, SideBySide
from lrwatch_dashboard.data.smoothing import half_life_for
from lrwatch_dashboard.data.thinning import thin
from lrwatch_dashboard.views import Curve, RunCurves, RunView, Window

__all__ = ["backdrop", "compare_runs", "shared_half_life"]

_N_POINTS: Final = 8000  # of all lines of one panel
_LEAST_POINTS: Final = 300  # of one line
_MOST_BEHIND: Final = 500  # runs in the backdrop


def compare_runs(
    views: Sequence[RunView],
    curves: Mapping[str, RunCurves | None],
    base: str = "",
    *,
    by_clock: bool = False,
    by_seed: bool = False,
) -> SideBySide:
    """Put runs side by side.

    Parameters
    ----------
    views
        The runs, in the order in which they are shown.
    curves
        Their lines, by key; None or absent where they cannot be read.
    base
        Key of the run that the others are measured against; empty for none.
    by_clock
        Whether losses are compared at equal times and not at equal steps.
    by_seed
        Whether runs that differ in the seed only are put together.
    """
    leads = _leads(views) if by_seed else {}
    order = {lead: place for place, lead in enumerate(dict.fromkeys(leads.values()))}
    views = sorted(views, key=lambda view: order.get(leads.get(view.key, ""), 0))
    n_points = max(_N_POINTS // max(len(views), 1), _LEAST_POINTS)
    lines = {key: _lighter(c, n_points) for key, c in curves.items() if c is not None}
    settings = {view.key: _texts(view) for view in views}
    names = list(dict.fromkeys(name for texts in settings.values() for name in texts))
    differing = [
        name for name in names if len({texts.get(name) for texts in settings.values()}) > 1
    ]
    timed = {view.key: _loss_of(view, curves.get(view.key), by_clock=by_clock) for view in views}
    reference = timed.get(base)
    runs = tuple(
        ComparedRun(
            view=view,
            curves=lines.get(view.key),
            settings=tuple(settings[view.key].get(name, "") for name in differing),
            last_loss=_last(curves.get(view.key)),
            delta=(
                _delta(timed[view.key], reference, is_time=by_clock) if view.key != base else None
            ),
            lead=leads.get(view.key, view.key),
        )
        for view in views
    )
    return SideBySide(runs, base if base in settings else "", tuple(differing))


def backdrop(views: Sequence[RunView], but: Sequence[str], *, by_clock: bool = False) -> Curve:
    """Return the loss of all other runs as one coarse line with gaps, by step or by time."""
    others = [view for view in views if view.key not in but and len(view.outline.x) > 1]
    if by_clock:
        others = [view for view in others if view.clock]
    gap = np.array([np.nan])
    xs, ys = [], []
    for view in others[:_MOST_BEHIND]:
        x = view.clock.seconds_at(view.outline.x) if by_clock else view.outline.x
        xs += [x, gap]
        ys += [view.outline.y, gap]
    empty = np.empty(0)
    return Curve("other runs", np.concatenate([empty, *xs]), np.concatenate([empty, *ys]))


def shared_half_life(views: Sequence[RunView]) -> int:
    """Return one half-life for all: losses that are smoothed differently do not compare."""
    return half_life_for(max((view.last_step or 0 for view in views), default=0))


def _texts(view: RunView) -> dict[str, str]:
    found = {
        name: value if isinstance(value, str) else json.dumps(value, default=str)
        for name, value in view.config.items()
    }
    # Recorded and not told, so it is named only where the settings do not have it.
    return found if "optimizer" in found else {"optimizer": view.optimizer, **found}


def _last(curves: RunCurves | None) -> float | None:
    if curves is None or not len(curves.smooth_loss.y):
        return None
    return float(curves.smooth_loss.y[-1])


def _leads(views: Sequence[RunView]) -> dict[str, str]:
    """Return for each run the first one that differs from it in the seed only."""
    leads = {}
    for sweep in find_sweeps(view.trial for view in views):
        first: dict[str, str] = {}
        for trial in sweep.trials:
            leads[trial.key] = first.setdefault(f"{trial.lr:.4g}", trial.key)
    return leads


def _loss_of(view: RunView, curves: RunCurves | None, *, by_clock: bool) -> Curve | None:
    """Return the smoothed loss by step or by time; None if there is none."""
    if curves is None or not len(curves.smooth_loss.x):
        return None
    line = curves.smooth_loss
    if not by_clock:
        return line
    return replace(line, x=view.clock.seconds_at(line.x)) if view.clock else None


def _delta(ours: Curve | None, base: Curve | None, *, is_time: bool) -> Delta | None:
    """Compare two smoothed losses at the last step, or time, that both have."""
    if ours is None or base is None or max(ours.x[0], base.x[0]) > _end(ours, base):
        return None
    at = _end(ours, base)
    own, other = (float(np.interp(at, line.x, line.y)) for line in (ours, base))
    share = own / other - 1 if own > 0 and other > 0 else None
    return Delta(at, is_time, own - other, share)


def _end(one: Curve, other: Curve) -> float:
    return float(min(one.x[-1], other.x[-1]))


def _lighter(curves: RunCurves, n_points: int) -> RunCurves:
    """Return curves of fewer points, so that twenty runs are drawn as quickly as one."""
    names: tuple[str, ...] = ("loss", "smooth_loss", "grad_norm", "update_ratio")
    changes: dict[str, Any] = {
        name: _fewer(getattr(curves, name), curves.window, n_points) for name in names
    }
    lr = tuple(_fewer(curve, curves.window, n_points) for curve in curves.lr)
    return replace(curves, lr=lr, clipped=None, **changes)


def _fewer(curve: Curve, window: Window | None, n_points: int) -> Curve:
    chosen = thin(curve.x, curve.y, window, n_points)
    return Curve(curve.name, curve.x[chosen], curve.y[chosen])
