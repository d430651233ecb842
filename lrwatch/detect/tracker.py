"""Everything that is known of a run, brought forward row by row.

Rows are taken in whole groups; those that do not fill one wait in the tail. What happens
depends on the number of rows alone, never on how they are cut into blocks on their way here:
`Tracker.advance` stops at every row at which something is to be decided. Rows of which it can be
seen that nothing will be are kept, and taken together later on.

Own: checks come at equal distances on a logarithmic axis of time, or at once where a test fires.

>>> rows = step_block({"step": range(100), "loss": [1.0] * 80 + [np.inf] * 20, "lr": [0.1] * 100})
>>> list(Tracker().advance(rows))
[(56, False), (67, False), (80, True), (96, False)]
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np

from lrwatch.detect.divergence import Divergence
from lrwatch.detect.explosion import Explosion
from lrwatch.detect.groups import GROUP, Groups, summarise
from lrwatch.detect.history import History
from lrwatch.detect.layer_gradients import LayerGradients
from lrwatch.detect.nonfinite import NonFinite
from lrwatch.detect.opening import Opening
from lrwatch.detect.overfitting import Validation
from lrwatch.detect.past import Past
from lrwatch.detect.standstill import Standstill
from lrwatch.detect.waiting import Waiting
from lrwatch.records import STEP_COLUMNS, FloatArray, StepBlock, rising
from lrwatch.tables import step_block

__all__ = ["Tracker", "past_of"]

FIRST_LOOK: Final = 57
"""Rows before the first look: what is inferred is alarmed at two looks running, from 60 on."""

LOOK_EVERY: Final = 0.2
"""Share of new rows between two looks: equal distances on a logarithmic axis of time."""

PIECE: Final = 8192
"""Rows taken at once at most: what is worked out of them takes memory."""


class Tracker:
    """State of the statistics of one run; its size does not grow with the run."""

    def __init__(self) -> None:
        self.opening = Opening()
        self.history = History()
        self.nonfinite = NonFinite()
        self.divergence = Divergence()
        self.explosion = Explosion()
        self.standstill = Standstill()
        self.validation = Validation()
        self.layers = LayerGradients()
        self.n_rows = 0
        self.last_step: int | None = None
        self._waiting = Waiting()
        self._next_look = FIRST_LOOK
        self._tail: StepBlock | None = None
        self._losses_before = np.full(2, np.nan)
        self._step_before: int | None = None

    def advance(self, block: StepBlock) -> Iterator[tuple[int, bool]]:
        """Take the next rows; stop at each at which something is to be decided.

        Yields
        ------
        step
            Step of the row.
        is_urgent
            Something happened that no second check is needed for.
        """
        if not len(block):
            return
        was_added = self._waiting.add(block)
        if was_added and self._decides_nothing():
            return
        for taken in self._waiting.take() + [block] * (not was_added):
            yield from self._through(taken)

    def _decides_nothing(self) -> bool:
        """Whether nothing happens at any of the rows that wait."""
        if self.n_rows + self._waiting.n_rows >= self._next_look:
            return False
        step, loss = self._waiting.column("step"), self._waiting.column("loss")
        rises = step[0] > (self.last_step or 0) and bool((step[1:] > step[:-1]).all())
        if not rises or not np.isfinite(loss).all():
            return False
        if self._tail is not None:
            loss = np.concatenate([self._tail.loss, loss])
        return self.divergence.leaves_out(loss)

    def _through(self, block: StepBlock) -> Iterator[tuple[int, bool]]:
        for rows in rising(block):
            if self.last_step is not None and rows.step[0] <= self.last_step:
                self._go_back(int(rows.step[0]))
            yield from self._advance(rows)

    def _advance(self, block: StepBlock) -> Iterator[tuple[int, bool]]:
        while len(block):
            n_rows, is_urgent = self._take(block[: min(self._next_look - self.n_rows, PIECE)])
            self.n_rows += n_rows
            self.last_step = int(block.step[n_rows - 1])
            self.standstill.add(block[:n_rows])
            self.validation.add(block[:n_rows])
            self.layers.add(block[:n_rows])
            block = block[n_rows:]
            is_look = self.n_rows >= self._next_look
            if is_look:
                self._next_look += max(2 * GROUP, int(LOOK_EVERY * self.n_rows))
            if is_look or is_urgent:
                yield self.last_step, is_urgent

    def _take(self, piece: StepBlock) -> tuple[int, bool]:
        """Take rows up to the first that is urgent; return how many, and if one was."""
        if self.nonfinite.is_dead and not np.isfinite(piece.loss[0]):
            return self._pass_dead(piece), False
        nonfinite = copy.copy(self.nonfinite)
        n_rows = nonfinite.advance(piece)
        piece = piece if n_rows is None else piece[:n_rows]
        rows = piece if self._tail is None else _join([self._tail, piece])
        n_waiting = len(rows) - len(piece)
        whole = rows[: len(rows) // GROUP * GROUP]
        groups = self._summarise(whole)
        n_groups, has_diverged = self.divergence.advance(groups)
        if has_diverged:  # which the rows after it must not have a say in
            taken = n_groups * GROUP - n_waiting
            self.nonfinite.advance(piece[:taken])
            self._keep(rows[: n_groups * GROUP], groups[:n_groups])
            self._tail = None
            return taken, True
        self.nonfinite = nonfinite
        self._keep(whole, groups)
        rest = rows[len(whole) :]
        self._tail = _join([rest]) if len(rest) else None  # a view would keep all rows alive
        if n_rows is not None:
            self.finish()
        return len(rows) - n_waiting, n_rows is not None and nonfinite.is_urgent

    def _pass_dead(self, piece: StepBlock) -> int:
        """Pass rows of a run whose loss went on not being finite: they are in no curve.

        So what is said of a dead run stays as it was when it died.
        """
        finite = np.flatnonzero(np.isfinite(piece.loss))
        n_rows = int(finite[0]) if len(finite) else len(piece)
        self.nonfinite.advance(piece[:n_rows])
        self._step_before = int(piece.step[n_rows - 1])
        return n_rows

    def _summarise(self, rows: StepBlock) -> Groups:
        if not len(rows):
            return Groups.none()
        before = int(rows.step[0]) - 1 if self._step_before is None else self._step_before
        steps = np.maximum(np.diff(rows.step, prepend=before), 1).astype(np.float64)
        return summarise(rows, steps, self._losses_before)

    def _keep(self, rows: StepBlock, groups: Groups) -> None:
        if not len(rows):
            return
        self.opening.add(rows)
        self.explosion.add(rows)
        self.history.add(groups)
        self._step_before = int(rows.step[-1])
        losses = np.where(np.isfinite(rows.loss[-2:]), rows.loss[-2:], np.nan)
        self._losses_before = np.concatenate([self._losses_before, losses])[-2:]

    def finish(self) -> None:
        """Take the rows that wait, though they do not fill a group."""
        for rows in self._waiting.take():
            list(self._through(rows))  # at none of them anything is decided
        if self._tail is not None and len(self._tail):
            self._keep(self._tail, self._summarise(self._tail))
        self._tail = None

    def _go_back(self, step: int) -> None:
        """Go back to an earlier step: what came after it is written again.

        A counter that starts anew, at the first step or before, is no such thing: the
        parameters are still those of the rows before.
        """
        self.finish()
        if self.opening.step is not None and step > self.opening.step:
            self.history.forget_from(step)
        self.divergence.restart(_least_loss(self.history))
        self._losses_before = np.full(2, np.nan)
        self._step_before = None

    def past(self) -> Past:
        """Everything so far as curves; rows that wait for a group are not in it."""
        return Past(self.history, self.opening)

    def finished(self) -> Tracker:
        """Return a copy into which the rows that wait have been taken."""
        twin = copy.deepcopy(self)
        twin.finish()
        return twin


def past_of(run: Any) -> Past:
    """Return a whole run as curves, given as a `StepBlock` or a table that `step_block` reads."""
    tracker = Tracker()
    with np.errstate(all="ignore"):  # infinite and missing values are what is looked for
        for _ in tracker.advance(run if isinstance(run, StepBlock) else step_block(run)):
            pass
        return tracker.finished().past()


def _join(pieces: Sequence[StepBlock]) -> StepBlock:
    """Copy pieces into one, without columns of their own."""
    names = (*STEP_COLUMNS, "loss_seen")
    columns: dict[str, Any] = {
        name: np.concatenate([getattr(piece, name) for piece in pieces]) for name in names
    }
    return StepBlock(**columns)


def _least_loss(history: History) -> float:
    loss: FloatArray = history["loss"] / np.maximum(history["loss_n"], 1)
    loss = loss[history["loss_n"] > 0]
    return float(loss.min()) if len(loss) else float("inf")
