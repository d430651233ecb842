"""From what is known of a run to what the pages say of it."""

from __future__ import annotations

from typing import Any, Final

from lrwatch.comparing import flat_settings
from lrwatch_dashboard.data.follower import Follower
from lrwatch_dashboard.views import Curve, RunView

__all__ = ["described", "triage_order"]

_PLACES: Final = 64
_TOP: Final = 99  # height of the small loss curve


def described(follower: Follower) -> RunView:
    """Return what the pages say of a run; its neighbours and token are left empty."""
    entry, info, summary = follower.entry, follower.info, follower.summary
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
        name=follower.name,
        state=follower.state,
        diagnosis=follower.diagnosis,
        problem=follower.problem or follower.damage,
        steps=summary.n_steps,
        last_step=summary.last_step,
        lr=summary.peak_lr,
        best_loss=summary.best_loss,
        updated_at=entry.last_write,
        usual_gap=summary.gaps.usual or None,
        is_broken=summary.is_broken,
        sparkline=summary.losses.heights(_PLACES, _TOP),
        outline=Curve("loss", summary.losses.steps, summary.losses.means),
        clock=follower.clock,
        trial=follower.trial,
        alerts=follower.active_alerts(),
        **known,
    )


def triage_order(view: RunView) -> tuple[float, str]:
    """Return what runs are sorted by: worst first, then still running, then newest."""
    return view.rank, view.key
