"""What the flagged runs of a store have in common and the others do not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from lrwatch.comparing.common_ground import FEWEST_RUNS, common_ground
from lrwatch_dashboard.theme import look
from lrwatch_dashboard.views import RunView

__all__ = ["shared_trouble"]

_FLAGGED: Final = frozenset({"cross", "up", "down"})


def shared_trouble(views: Sequence[RunView]) -> str:
    """Return one sentence on what sets flagged runs apart most; empty if nothing does.

    Parameters
    ----------
    views
        All runs; those that could not be judged do not count.
    """
    trials = [view.trial for view in views]
    flagged = [trial for trial in trials if look(trial.verdict).mark in _FLAGGED]
    if len(flagged) < FEWEST_RUNS:
        return ""
    # Settings of which every run has its own, such as a seed, are not gone through one by one.
    seen = Counter((name, repr(v)) for trial in flagged for name, v in trial.settings.items())
    names = {name for (name, _), n in seen.items() if n >= FEWEST_RUNS}
    kept = [
        replace(trial, settings={k: v for k, v in trial.settings.items() if k in names})
        for trial in trials
    ]
    found = common_ground(kept)
    return str(found[0]) if found else ""
