"""Several runs side by side: what differs in their settings, and by how much their losses do."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

import numpy as np

from lrwatch_dashboard.data.smoothing import half_life_for
from lrwatch_dashboard.data.thinning import thin
from lrwatch_dashboard.views import (
    ComparedRun,
    Comparison,
    Curve,
    Delta,
    RunCurves,
    RunView,
    Window,
)

__all__ = ["backdrop", "compare_runs", "shared_half_life"]

_N_POINTS: Final = 8000  # of all lines of one panel
_LEAST_POINTS: Final = 300  # of one line
_MOST_BEHIND: Final = 500  # runs in the backdrop


def compare_runs(
    views: Sequence[RunView], curves: Mapping[str, RunCurves | None], base: str = ""
) -> Comparison:
    """Put runs side by side.

    Parameters
    ----------
    views
        The runs, in the order in which they are shown.
    curves
        Their lines, by key; None or absent where they cannot be read.
    base
        Key of the run that the others are measured against; empty for none.
    """
    n_points = max(_N_POINTS // max(len(views), 1), _LEAST_POINTS)
    lines = {key: _lighter(c, n_points) for key, c in curves.items() if c is not None}
    settings = {view.key: _texts(view) for view in views}
    names = list(dict.fromkeys(name for texts in settings.values() for name in texts))
    differing = [
        name for name in names if len({texts.get(name) for texts in settings.values()}) > 1
    ]
    reference = curves.get(base)
    runs = tuple(
        ComparedRun(
            view=view,
            curves=lines.get(view.key),
            settings=tuple(settings[view.key].get(name, "") for name in differing),
            last_loss=_last(curves.get(view.key)),
            delta=_delta(curves.get(view.key), reference) if view.key != base else None,
        )
        for view in views
    )
    return Comparison(runs, base if base in settings else "", tuple(differing))


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


def _delta(curves: RunCurves | None, base: RunCurves | None) -> Delta | None:
    """Compare two smoothed losses at the last step that both have."""
    if curves is None or base is None:
        return None
    ours, theirs = curves.smooth_loss, base.smooth_loss
    if not len(ours.x) or not len(theirs.x) or max(ours.x[0], theirs.x[0]) > _end(ours, theirs):
        return None
    step = _end(ours, theirs)
    own, other = (float(np.interp(step, line.x, line.y)) for line in (ours, theirs))
    return Delta(int(step), own - other, own / other - 1 if own > 0 and other > 0 else None)


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
