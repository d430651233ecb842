"""What a user's metrics came to, kept up to date as rows come, without keeping the rows."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

import numpy as np

from lrwatch.finding import MetricSummary, is_event, is_layer, is_own
from lrwatch.records import FloatArray, StepBlock

__all__ = ["MetricTracker"]

_MOST: Final = 1000  # names: a script may log a new one at every step


class MetricTracker:
    """Sums up the columns of a run that are its user's own, and those of its layers.

    Parameters
    ----------
    known
        What the rows came to that are not added again.
    """

    def __init__(self, known: Mapping[str, MetricSummary] | None = None) -> None:
        self._known = dict(known or {})
        self._best_loss = math.inf
        self._last_step = -1

    def add(self, rows: StepBlock) -> None:
        """Add rows, at least one, whose steps rise."""
        is_again = bool(rows.step[0] <= self._last_step)
        self._last_step = int(rows.step[-1])
        best = self._place_of_best(rows)
        for name, values in rows.extra.items():
            if not (is_own(name) or is_layer(name) or is_event(name)):
                continue
            seen = np.flatnonzero(np.isfinite(values))
            if name in self._known or (len(seen) and len(self._known) < _MOST):
                before = self._known.get(name, MetricSummary())
                self._known[name] = _after(before, rows, values, seen, best, is_again=is_again)

    def summaries(self) -> Mapping[str, MetricSummary]:
        """Return what is known so far, by name of the column."""
        return dict(self._known)

    def _place_of_best(self, rows: StepBlock) -> int | None:
        """Return which row has the least loss so far; None if it came before."""
        loss = np.where(np.isfinite(rows.loss), rows.loss, np.inf)
        place = int(loss.argmin())
        if loss[place] >= self._best_loss:
            return None
        self._best_loss = float(loss[place])
        return place


def _after(
    before: MetricSummary,
    rows: StepBlock,
    values: FloatArray,
    seen: np.typing.NDArray[np.intp],
    best: int | None,
    *,
    is_again: bool,
) -> MetricSummary:
    """Return the summary of a metric once rows are added; `seen` are those that have it."""
    changes: dict[str, float | int | bool] = {}
    if best is not None:
        until = seen[seen <= best]
        changes["at_best_loss"] = float(values[until[-1]]) if len(until) else before.last
    if not len(seen):
        return replace(before, **changes)  # type: ignore[arg-type]
    found = values[seen]
    low, high = int(found.argmin()), int(found.argmax())
    if not before.low <= found[low]:
        changes |= {"low": float(found[low]), "low_step": int(rows.step[seen[low]])}
    if not before.high >= found[high]:
        changes |= {"high": float(found[high]), "high_step": int(rows.step[seen[high]])}
    # A run that went back makes some values again, and nothing tells which of them stay.
    goes_on = is_again or not before.n or found[0] >= before.last
    never_falls = (before.rises or before.low == before.high or not before.n) and goes_on
    never_falls = bool(never_falls and (np.diff(found) >= 0).all())
    low_so_far = changes.get("low", before.low)
    changes |= {
        "n": before.n + len(seen),
        "last": float(found[-1]),
        "last_step": int(rows.step[seen[-1]]),
        "rises": never_falls and float(found[-1]) > low_so_far,
    }
    return replace(before, **changes)  # type: ignore[arg-type]
