"""The sweeps of a store: runs that differ in learning rate and seed only, and which rate won."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from lrwatch.diagnosis.comparison import (
    Trial,
    choose_rate,
    final_loss,
    same_but_rate_and_seed,
    sweeps,
)
from lrwatch_dashboard.comparison_views import Sweep, SweepRun
from lrwatch_dashboard.data.range_tests import is_range_test
from lrwatch_dashboard.views import RunView

__all__ = ["Loss", "find_sweeps", "sweep_of", "trial_of"]

Loss = Literal["final", "best"]

_LATE: Final = 0.9  # of the run: no finite loss after that is a run that ended without one
_LONGEST_LABEL: Final = 4  # settings


def find_sweeps(views: Sequence[RunView], loss: Loss = "final") -> tuple[Sweep, ...]:
    """Return the sweeps of a store, those with the most learning rates first.

    Parameters
    ----------
    views
        All runs.
    loss
        What a run is measured by: where it ended, or the least that it came to. Both are means
        over a few steps and not of a single one.
    """
    by_key = {view.key: view for view in views}
    # A range test has many rates; the highest says nothing of where it ended.
    tried = [view for view in views if view.lr and not is_range_test(view)]
    groups = sweeps(trial_of(view, loss) for view in tried)
    shared = [_shared(group) for group in groups]
    found = [
        _sweep(group, by_key, _label(same, shared))
        for group, same in zip(groups, shared, strict=True)
    ]
    return tuple(sorted(found, key=lambda sweep: -len(sweep.choice.rates)))


def sweep_of(found: Sequence[Sweep], key: str) -> Sweep | None:
    """Return the sweep that a run belongs to; None if it belongs to none."""
    return next((sweep for sweep in found if any(run.view.key == key for run in sweep.runs)), None)


def trial_of(view: RunView, loss: Loss = "final") -> Trial:
    """Return a run as it is compared with others."""
    settings: dict[str, Any] = dict(view.config)
    if not settings and view.group:
        settings["group"] = view.group
    settings.setdefault("optimizer", view.optimizer)
    return Trial(view.key, view.lr or math.nan, _loss(view, loss), view.verdict, settings)


def _loss(view: RunView, loss: Loss) -> float:
    x, y = view.outline.x, view.outline.y
    if not len(y):
        return math.nan
    if loss == "best":
        return float(y.min())
    has_ended_broken = view.is_broken and x[-1] < _LATE * (view.last_step or 0)
    return math.nan if has_ended_broken else final_loss(y)


def _sweep(group: Sequence[Trial], by_key: Mapping[str, RunView], label: str) -> Sweep:
    runs = (
        SweepRun(by_key[trial.key], trial.lr, trial.loss if math.isfinite(trial.loss) else None)
        for trial in group
    )
    ordered = tuple(sorted(runs, key=lambda run: (run.lr, run.view.key)))
    return Sweep(label, ordered, choose_rate(group))


def _shared(group: Sequence[Trial]) -> dict[str, str]:
    """Return what all runs of a group have in common, as text."""
    kept = [same_but_rate_and_seed(trial.settings) for trial in group]
    texts = [{name: _text(value) for name, value in settings.items()} for settings in kept]
    return {
        name: value
        for name, value in texts[0].items()
        if all(other.get(name) == value for other in texts)
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str)


def _label(same: Mapping[str, str], groups: Sequence[Mapping[str, str]]) -> str:
    """Name a group by the settings in which the groups differ."""
    telling = [
        name
        for name, value in same.items()
        if any(other.get(name) != value for other in groups) and value
    ]
    named = [f"{name} {same[name]}" for name in telling[:_LONGEST_LABEL]]
    return ", ".join(named) or "all runs"
