"""From what is known of a run to the view model of the pages."""

from __future__ import annotations

from typing import Any, Final

from lrwatch.diagnosis.comparison import flat_settings
from lrwatch_dashboard.data.follower import Follower
from lrwatch_dashboard.views import RunState, RunView

__all__ = ["described", "state_of", "triage_order"]

_SILENT_SECONDS: Final = 30.0
_SILENT_GAPS: Final = 20.0
"""A run is silent after so many of its usual steps, and not before so many seconds."""


def state_of(follower: Follower, now: float) -> RunState:
    """Return what a run is doing; `now` in seconds since the Unix epoch."""
    info = follower.info
    if info is None:
        return "unreadable"
    if info.status == "failed":
        return "failed"
    if info.status != "running":
        return "finished"
    patience = max(_SILENT_SECONDS, _SILENT_GAPS * (follower.usual_gap or 0.0))
    return "silent" if now - follower.entry.last_write > patience else "running"


def described(follower: Follower, now: float) -> RunView:
    """Return what the pages say of a run; `now` in seconds since the Unix epoch.

    Its neighbours and token are left empty.
    """
    entry, info, found = follower.entry, follower.info, follower.finding
    known: dict[str, Any] = {"created_at": entry.last_write}
    if info is not None:
        known = {
            "total_steps": info.total_steps,
            "optimizer": info.optimizer,
            "created_at": info.created_at,
            "group": info.group or "",
            "config": flat_settings(info.config),
            "environment": info.environment,
            "lost_rows": info.lost_rows,
        }
    return RunView(
        key=entry.key,
        name=_name(follower),
        state=state_of(follower, now),
        diagnosis=found.diagnosis,
        problem=follower.problem,
        steps=found.n_steps,
        last_step=found.last_step,
        lr=found.peak_lr,
        best_loss=found.best_loss,
        updated_at=entry.last_write,
        usual_gap=found.usual_gap,
        is_broken=found.is_broken,
        sparkline=found.heights,
        outline=found.outline,
        clock=found.clock,
        **known,
    )


def triage_order(view: RunView) -> tuple[float, str]:
    """Return what runs are sorted by: worst first, then still running, then newest."""
    return view.rank, view.key


def _name(follower: Follower) -> str:
    # The key and not the name in run.json: it tells runs of one name in two folders apart.
    key, info = follower.entry.key, follower.info
    return info.name if key == "." and info is not None and info.name else key
