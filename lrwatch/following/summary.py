"""The numbers of a run: kept up to date as its rows come, in memory that does not grow with it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from lrwatch.following.absence import Gaps
from lrwatch.following.loss_bins import LossBins
from lrwatch.records import FloatArray, StepBlock, rising

__all__ = ["RunSummary", "summarised"]


@dataclass(slots=True)
class RunSummary:
    """What the rows of a run come to.

    Attributes
    ----------
    n_rows
        Rows so far; a resumed run writes some steps again.
    first_step, last_step
        Step numbers; ``None`` before the first row.
    peak_lr, last_lr
        Highest finite learning rate of the first parameter group, and the last one.
    first_loss, last_loss
        Loss of the first step and of the last one that has a loss.
    best_loss
        Least finite loss of any step.
    is_broken
        Some loss was NaN or infinite.
    losses
        The loss in equal stretches: where the run was, at any step.
    gaps
        How fast rows come.
    """

    n_rows: int = 0
    first_step: int | None = None
    last_step: int | None = None
    peak_lr: float | None = None
    last_lr: float = math.nan
    first_loss: float | None = None
    last_loss: float | None = None
    best_loss: float | None = None
    is_broken: bool = False
    losses: LossBins = field(default_factory=LossBins)
    gaps: Gaps = field(default_factory=Gaps)

    @property
    def n_steps(self) -> int:
        """Steps made, by number and not by row."""
        if self.first_step is None or self.last_step is None:
            return 0
        return max(self.last_step + 1 - self.first_step, 0)

    @property
    def final_loss(self) -> float | None:
        """Where the run ended: the mean over the last sixteenth of its steps."""
        return self.losses.loss_at()

    def add(self, rows: StepBlock) -> None:
        """Add rows, at least one, whose steps rise."""
        if self.first_step is None:
            self.first_step = int(rows.step[0])
            self.first_loss = float(rows.loss[0]) if rows.loss_seen[0] else None
        self.n_rows += len(rows)
        self.last_step, self.last_lr = int(rows.step[-1]), float(rows.lr[-1])
        self.peak_lr = _reduced(max, self.peak_lr, rows.lr)
        self.best_loss = _reduced(min, self.best_loss, rows.loss)
        seen = rows.loss[rows.loss_seen]
        if len(seen):
            self.last_loss = float(seen[-1])
            self.is_broken |= not np.isfinite(seen).all()
        self.losses.add(rows)
        self.gaps.add(rows)

    def snapshot(self) -> RunSummary:
        """Return a copy that stays as it is."""
        losses = replace(self.losses, bins=self.losses.bins.copy())
        return replace(self, losses=losses, gaps=replace(self.gaps))


def summarised(rows: StepBlock) -> RunSummary:
    """Return what all rows of a run come to."""
    summary = RunSummary()
    for piece in rising(rows):
        summary.add(piece)
    return summary


def _reduced(choose: Any, known: float | None, values: FloatArray) -> float | None:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return known
    found = float(choose(finite.min(), finite.max()))
    return found if known is None else choose(known, found)
