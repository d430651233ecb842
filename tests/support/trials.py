"""Runs as they are compared with others, without a disk."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from lrwatch_dashboard.views import RunView

from lrwatch.comparing import Trial
from lrwatch.following import RunSummary, summarised
from lrwatch.tables import step_block

__all__ = ["a_trial", "trial_for"]


def a_trial(
    key: str,
    lr: float,
    loss: float | Sequence[float] = 1.0,
    *,
    n_steps: int = 32,
    first_loss: float = 4.0,
    **fields: Any,
) -> Trial:
    """Return a run that began at one loss and ended at another, or whose losses are given."""
    losses = np.asarray([first_loss, *[loss] * (n_steps - 1)] if isinstance(loss, float) else loss)
    table = {"step": np.arange(len(losses)), "loss": losses, "lr": np.full(len(losses), lr)}
    return Trial(key, lr, summarised(step_block(table)), **fields)


def trial_for(view: RunView) -> Trial:
    """Return what a view would be compared by, had its outline been its rows."""
    steps, losses = view.outline.x.astype(np.int64), view.outline.y
    summary = RunSummary()
    if len(steps):
        last = steps[-1] if view.last_step is None else view.last_step
        rest = np.arange(steps[-1] + 1, last + 1) if view.is_broken else steps[:0]
        table = {"step": [*steps, *rest], "loss": [*losses, *[math.nan] * len(rest)]}
        summary = summarised(step_block({**table, "lr": [view.lr or 0.1] * len(table["step"])}))
    settings = dict(view.config) or ({"group": view.group} if view.group else {})
    settings.setdefault("optimizer", view.optimizer)
    return Trial(
        key=view.key,
        lr=math.nan if view.lr is None else view.lr,
        summary=summary,
        verdict=view.verdict,
        state=view.state,
        settings=settings,
        is_range_test=any(t.name == "range_test" and t.outcome == "fired" for t in view.evidence),
    )
