"""A run's past as curves over its bins: what every test and every feature is computed from.

Own, but for the noise: from differences, von Neumann, Ann. Math. Stat. 12 (1941), so that a trend
does not count as noise.

>>> from lrwatch.detect.tracker import past_of
>>> loss = 3 - np.arange(400) / 200 + 0.1 * np.random.default_rng(0).standard_normal(400)
>>> past = past_of({"step": np.arange(400), "loss": loss, "lr": np.ones(400)})
>>> past.n_rows, len(past), round(past.noise, 2)
(400, 100, 0.09)
>>> round(past.level(0.45, 0.55), 1), past.steps_of(past.between(0.45, 0.55))
(2.0, (180, 219))
"""

from __future__ import annotations

import math
import sys
from bisect import bisect_left, bisect_right
from functools import cached_property
from typing import Final

import numpy as np

from lrwatch.detect.history import History
from lrwatch.detect.opening import Opening
from lrwatch.detect.scale import median
from lrwatch.records import FloatArray

__all__ = ["TINY", "Past"]

TINY: Final = 1e-300
"""Keeps a quotient finite without changing any that means something."""

MEAN_TO_SIGMA: Final = math.sqrt(math.pi) / 2
"""Mean of |difference of two independent normal values| to their standard deviation."""


class Past:
    """Curves over the bins of a history, all of shape ``(n_bins,)``.

    Values that were not recorded in a bin are drawn straight from its neighbours. Norms that
    were measured on some steps alone stand for all steps of their bin.

    Attributes
    ----------
    n_rows, n_steps
        Rows seen, and optimizer steps that they stand for.
    interval
        First and last step.
    middle
        Where a bin's middle lies, as a fraction of the steps seen.
    steps
        Optimizer steps a bin.
    last_step
        Last step of a bin.
    loss, lr
        Mean loss (of groups' middle values) and mean learning rate; of a log without learning
        rates, NaN.
    best
        Running minimum of the loss, smoothed over three bins.
    noise
        Standard deviation of the loss from step to step, blind to its trend; a number.
    start
        Loss at the beginning; a number.
    update, drive, param
        Mean update norm, mean of gradient norm times update norm, mean parameter norm; ``None``
        where the run has too few of them.
    path, driven
        What update and drive add up to, from the start to the end of a bin.
    log_grad
        Mean of log10 of the gradient norm; NaN where there was none.
    """

    def __init__(self, history: History, opening: Opening) -> None:
        self.history = history
        self.opening = opening
        self.steps = history["span"].copy()
        self.n_rows = int(history["rows"].sum())
        ends = np.cumsum(self.steps)
        self.n_steps = float(ends[-1]) if len(ends) else 0.0
        self.middle = (ends - self.steps / 2) / max(self.n_steps, 1.0)
        self._middles: list[float] = self.middle.tolist()
        self._levels: dict[tuple[float, float], float] = {}
        self.first_step, self.last_step = history["first_step"], history["last_step"]
        self.lr = self._filled(_mean(history["lr"], history["lr_n"]))
        self._set_loss()
        self._set_motion()

    def _set_loss(self) -> None:
        history = self.history
        loss = _mean(history["loss"], history["loss_n"])
        self.n_loss = int(history["loss_n"].sum())
        self.start = self.opening.loss
        self.loss = self._filled(loss)
        self.best = np.minimum.accumulate(_smooth(self.loss))
        self.jitter = _mean(history["diff1"], history["diff_n"])
        known = self.jitter[np.isfinite(self.jitter)]
        self.noise = MEAN_TO_SIGMA * median(known) if len(known) else math.nan

    def _set_motion(self) -> None:
        history = self.history
        self.log_grad = _mean(history["log_grad"], history["grad_n"]) / math.log(10)
        update = _mean(history["update"], history["update_n"])
        drive = _mean(history["drive"], history["drive_n"])
        param = _mean(history["param"], history["param_n"])
        moved = self.steps * (1 - history["skipped"] / np.maximum(history["rows"], 1))
        self.update = self._filled_per_lr(update)
        self.drive = self._filled_per_lr(drive)
        self.param = self._filled(param) if np.isfinite(param).any() else None
        self.path = None if self.update is None else np.cumsum(self.update * moved)
        self.driven = None if self.drive is None else np.cumsum(self.drive * moved)

    def _filled(self, values: FloatArray) -> FloatArray:
        known = np.isfinite(values)
        if not known.any():
            return values
        return np.interp(self.middle, self.middle[known], values[known])

    def _filled_per_lr(self, values: FloatArray) -> FloatArray | None:
        """Fill in proportion to the learning rate, where that is known."""
        if np.count_nonzero(np.isfinite(values)) < 2:  # noqa: PLR2004  a line needs two points
            return None
        if np.isnan(self.lr).any():
            return self._filled(values)
        lr = np.maximum(self.lr, TINY)
        return np.where(np.isfinite(values), values, self._filled(values / lr) * self.lr)

    def __len__(self) -> int:
        """Return the number of bins."""
        return len(self.steps)

    @cached_property
    def interval(self) -> tuple[int, int] | None:
        """First and last step."""
        return self.steps_of(slice(0, len(self)))

    def steps_of(self, bins: slice) -> tuple[int, int] | None:
        """First and last step of the chosen bins."""
        if bins.start >= bins.stop:
            return None
        return int(self.first_step[bins.start]), int(self.last_step[bins.stop - 1])

    def between(self, start: float, end: float) -> slice:
        """Bins whose middle lies in a stretch of the run, or the one bin nearest to it."""
        first, last = bisect_left(self._middles, start), bisect_right(self._middles, end)
        if first >= last and len(self):
            first = int(np.argmin(np.abs(self.middle - (start + end) / 2)))
            last = first + 1
        return slice(first, last)

    def level(self, start: float, end: float) -> float:
        """Median loss in a stretch of the run, given by two fractions of it."""
        if (start, end) not in self._levels:
            self._levels[start, end] = median(self.loss[self.between(start, end)])
        return self._levels[start, end]

    @cached_property
    def end(self) -> float:
        """Loss at the end: its median over the last seven hundredths."""
        return self.level(0.93, 1.0)

    @cached_property
    def grain(self) -> float:
        """The least difference of losses that means anything: the noise, or rounding."""
        noise = self.noise if math.isfinite(self.noise) else 0.0
        return max(noise, 1e-12 * abs(self.start), sys.float_info.min)

    @cached_property
    def gained(self) -> float:
        """Decrease of the loss from the start to its best, never negative."""
        return max(self.start - float(self.best[-1]), 0.0)


def _smooth(values: FloatArray) -> FloatArray:
    """Mean of each value and its two neighbours."""
    if not len(values):
        return values
    padded = np.concatenate([values[:1], values, values[-1:]])
    smooth: FloatArray = (padded[:-2] + padded[1:-1] + padded[2:]) / 3
    return smooth


def _mean(total: FloatArray, n: FloatArray) -> FloatArray:
    return np.where(n > 0, total / np.maximum(n, 1.0), np.nan)
