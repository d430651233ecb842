"""Losses that are not finite: the only test that looks at every single row.

Own: what NaN means follows from the gradient norm beside it, or from the pattern of NaN.

>>> from lrwatch.tables import step_block
>>> def found(loss, grad):
...     run = {"step": range(6), "loss": loss, "lr": np.ones(6), "grad_norm": grad}
...     test = NonFinite()
...     return test.advance(step_block(run)), test.in_words()
>>> blown, nan = [2.0, 1.9, 1.8, 1.7, math.nan, math.nan], math.nan
>>> found(blown, [1, 1, 1, 1, nan, nan])
(5, 'the loss is not finite from step 4 on')
>>> found(blown, np.ones(6))  # the gradient is finite, so the loss was not recorded
(None, 'every loss seen is finite')
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
import numpy.typing as npt

from lrwatch.detect.vanished import DENSE, LASTING, Vanished
from lrwatch.records import StepBlock
from lrwatch.verdicts import Evidence

__all__ = ["NonFinite"]

PATIENCE: Final = 3
"""Rows of NaN running that count in a log that had two finite losses running, but not `DENSE`."""

GREW: Final = 10.0
"""Times the first loss, from which on NaN needs no patience: the loss was on its way there."""

RECOVERED: Final = 20
"""Rows with a finite loss after which a run has got over a loss that was not."""

MOST_DOUBLINGS: Final = 20

_BoolArray = npt.NDArray[np.bool_]


class NonFinite:
    """Tells a loss that blew up from a loss that was merely not logged.

    An infinite loss blew up, and so did NaN beside a gradient norm that is not finite, in a log
    that has gradient norms. NaN beside a finite gradient norm was not recorded; neither was it
    in a row that lacks even the learning rate, nor where the optimizer skipped the step; unless
    it lasts, see `Vanished`.

    In a log without gradient norms the pattern decides. Where every row had a loss so far, NaN
    counts at once, or after `PATIENCE` rows near the beginning, unless the loss had grown to
    `GREW` times the first; where three such holes came at
    equal distances they are gaps, and what was said of them is taken back. Where only every
    k-th row has a loss, or none had one yet, NaN counts once it lasts for `LASTING` rows and
    for more than twice the longest gap before.

    Attributes
    ----------
    step
        Step at which the loss was first not finite; ``None`` if it was finite all the time,
        or has been so again for `RECOVERED` rows, twice as many after each relapse.
    last
        Last step with a loss that was not finite; ``None`` if there was none.
    n_bad
        Number of losses that were not finite.
    n_finite
        Finite losses since the last that was not.
    last_finite
        The last finite loss; NaN before there was one.
    is_urgent
        The episode that `advance` stopped at needs no second look.
    """

    def __init__(self) -> None:
        self.step: int | None = None
        self.last: int | None = None
        self.n_bad = 0
        self.n_finite = 0
        self.has_loss = self.is_urgent = False
        self.last_finite = self._first_finite = math.nan
        self._has_grad = self._has_lr = False
        self._is_regular = False
        self._n_rows = self._n_running = self._most_running = self._episodes = 0
        self._longest_gap = 0
        self._n_nan = self._n_counted = 0  # of the NaNs running: all, and those in n_bad
        self._first_nan = 0  # its step
        self._hole = self._hole_before = self._distance = 0  # in rows
        self._vanished = Vanished()

    def advance(self, block: StepBlock) -> int | None:
        """Look at the next rows, up to the first at which an episode begins, or a relapse in one.

        Returns
        -------
        n_rows
            How many rows were looked at if the last of them fired, else ``None``.
        """
        at = 0
        for k in self._suspects(block):
            self._pass(block[at:k])
            at = k + 1
            was_dead = self.is_dead
            self.is_urgent = self._blew_up(block[k : k + 1])
            if self.is_dead and not was_dead:
                return at
        self._pass(block[at:])
        return None

    def _suspects(self, block: StepBlock) -> list[int]:
        not_finite = ~np.isfinite(block.loss) & block.loss_seen
        if not not_finite.any():
            return []
        unrecorded = np.isnan(block.loss) & np.isfinite(block.grad_norm)
        suspect = not_finite & ~block.skipped & ~unrecorded
        suspect |= self._vanished.lasts(block)
        lr_known = np.isfinite(block.lr)
        has_lr = np.logical_or.accumulate(lr_known) | self._has_lr
        return [int(k) for k in np.flatnonzero(suspect & (lr_known | ~has_lr))]

    def _pass(self, block: StepBlock) -> None:
        """Take rows that are above suspicion."""
        self._vanished = self._vanished.after(block)
        finite: _BoolArray = np.isfinite(block.loss)
        n_finite = int(np.count_nonzero(finite))
        if n_finite and self._n_nan:
            self._close_gap()
        self._n_rows += len(block)
        if n_finite:
            known = block.loss[finite]
            self._first_finite = self._first_finite if self.has_loss else float(known[0])
            self.last_finite = float(known[-1])
            self.has_loss = True
            self.n_finite += n_finite
            self._n_running += n_finite
            self._most_running = max(self._most_running, self._n_running)
        self._has_grad = self._has_grad or bool(np.isfinite(block.grad_norm).any())
        self._has_lr = self._has_lr or bool(np.isfinite(block.lr).any())
        if self.n_finite >= RECOVERED * 2 ** min(self._episodes - 1, MOST_DOUBLINGS):
            self.step = None

    def _blew_up(self, row: StepBlock) -> bool:
        """Take a suspect row; say whether it is the first that surely shows a blow-up."""
        step = int(row.step[0])
        self._n_rows += 1
        self._n_running = 0
        self._vanished = self._vanished.after(row)
        self._has_lr = self._has_lr or bool(np.isfinite(row.lr[0]))
        if math.isnan(row.loss[0]) and not math.isinf(row.grad_norm[0]):
            return self._doubt(step)
        self._n_nan = 0
        return self._count(step, step, 1)

    def _doubt(self, step: int) -> bool:
        """Take a row in which the loss is NaN, and nothing says that it is not infinite."""
        n_before = self._vanished.n_nan - 1  # rows like it that were above suspicion
        if not self._n_nan:
            first = self._vanished.first if n_before > 0 else step
            self._first_nan, self._hole = first, self._n_rows - max(n_before, 0)
            self._n_nan = max(n_before, 0)
        self._n_nan += 1
        if self._n_nan < max(self._patience(), self._longest_gap and 2 * self._longest_gap + 1):
            return False
        n_new = self._n_nan - self._n_counted
        self._n_counted = self._n_nan
        return self._count(self._first_nan, step, n_new) and self._patience() < LASTING

    def _patience(self) -> int:
        """Return from how many rows of NaN running on they count."""
        if self._has_grad or self._is_dense or self.had_grown:
            return 1
        return PATIENCE if self._most_running > 1 else LASTING

    @property
    def had_grown(self) -> bool:
        """Whether the last finite loss was on its way to one that is not: steps led there."""
        return self.last_finite > GREW * abs(self._first_finite)

    @property
    def _is_dense(self) -> bool:
        return self._most_running >= DENSE

    def _count(self, first: int, last: int, n_new: int) -> bool:
        """Note losses that are not finite; say whether they begin an episode."""
        self.n_bad += n_new
        self.last = last
        self.n_finite = 0
        if self.step is not None:
            return False
        self.step = first
        self._episodes += 1
        return True

    def _close_gap(self) -> None:
        """Record that NaN was followed by a finite loss: what it was may be clear now."""
        distance = self._hole - self._hole_before if self._hole_before else 0
        if self._is_dense:
            self._is_regular = self._distance > 0 and abs(distance - self._distance) <= 1
        if self._is_regular or not self._is_dense:
            self._longest_gap = max(self._longest_gap, self._n_nan)
            self._take_back()
        self._hole_before, self._distance = self._hole, distance
        self._n_nan = self._n_counted = 0

    def _take_back(self) -> None:
        self.n_bad -= self._n_counted
        if self._is_regular:
            self.n_bad = 0
        if self.step is not None and (self._is_regular or self.step == self._first_nan):
            self.step = None
            self._episodes = 0 if self._is_regular else self._episodes - 1
        self.last = self.last if self.n_bad else None

    @property
    def is_dead(self) -> bool:
        """Whether no loss has been finite since an episode began, which lasts."""
        return self.step is not None and not self.n_finite

    def evidence(self, last_step: int | None) -> Evidence:
        """Return what was found, as a test."""
        fired = self.step is not None
        interval = None
        if self.step is not None:
            interval = (self.step, self.step if last_step is None else last_step)
        return Evidence("nonfinite", float(self.n_bad), 1.0, fired, interval, self.in_words())

    def in_words(self) -> str:
        """Say what was found, without a capital or a full stop."""
        if not self.n_bad:
            return "every loss seen is finite" if self.has_loss else "no loss was seen"
        if self.is_dead:
            begun = f"from step {self.step} on" if self.has_loss else "from the first step on"
            return f"the loss is not finite {begun}"
        losses = "1 loss was" if self.n_bad == 1 else f"{self.n_bad:,} losses were"
        return f"{losses} not finite, the last at step {self.last:,}"
