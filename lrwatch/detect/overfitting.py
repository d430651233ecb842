"""Overfitting: the loss on other data rises, while the loss that is trained on falls.

It says nothing of the learning rate, and changes no class.

Source: Prechelt, Early Stopping - But When?, 1998: how far the validation loss lies above its
least so far; that it must do so at several validations running is the third of its criteria.

>>> from lrwatch.tables import step_block
>>> step = np.arange(100)
>>> test = Validation()
>>> test.add(step_block({"step": step, "loss": 1 - step / 200,
...                      "val_loss": 1 + (step - 40) ** 2 / 1e4}))
>>> test.overfits().fired, test.overfits().note
(True, 'validation loss rose from 1 to 1.35 since step 40')
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from lrwatch.columns import VALIDATION
from lrwatch.detect.scale import median
from lrwatch.formats import number
from lrwatch.records import StepBlock
from lrwatch.verdicts import Evidence

__all__ = ["Validation"]

CAPACITY: Final = 64
"""Points kept; each is the mean of as many validations as need be."""

LEAST: Final = 3
"""Points since the least that must all lie above it."""

ROSE: Final = 0.05
"""Share of the least that the last ones must lie above it."""

NOISES: Final = 3.0
"""The same in terms of how much it changes from one validation to the next."""


class Validation:
    """Keeps the course of the validation loss and of the loss beside it.

    The column is the first of `lrwatch.columns.VALIDATION` that has a value.
    """

    def __init__(self) -> None:
        self._name: str | None = None
        self._least = (math.nan, 0)  # and its step
        self._last = math.nan
        self._sum, self._n = 0.0, 0  # losses that are trained on since the last validation
        self._width = 1  # validations a point
        self._n_open = 0  # validations in the last point
        self._points: list[tuple[int, float, float]] = []  # last step, validation loss, loss

    def add(self, rows: StepBlock) -> None:
        """Take the next rows."""
        if not any(name in rows.extra for name in VALIDATION):
            return
        for name in VALIDATION:
            if self._name is None and name in rows.extra and np.isfinite(rows.extra[name]).any():
                self._name = name
        if self._name is None or self._name not in rows.extra:
            self._follow(rows.loss.tolist())
            return
        values = rows.extra[self._name]
        at = 0
        for k in np.flatnonzero(np.isfinite(values)).tolist():
            self._follow(rows.loss[at : k + 1].tolist())
            self._validate(int(rows.step[k]), float(values[k]))
            at = k + 1
        self._follow(rows.loss[at:].tolist())

    def _follow(self, losses: list[float]) -> None:
        for loss in losses:
            if math.isfinite(loss):
                self._sum += loss
                self._n += 1

    def _validate(self, step: int, value: float) -> None:
        self._last = value
        if not value >= self._least[0]:
            self._least = value, step
        loss = self._sum / self._n if self._n else math.nan
        self._sum, self._n = 0.0, 0
        if self._n_open:
            _, known, before = self._points.pop()
            share = 1 / (self._n_open + 1)
            value, loss = known + share * (value - known), before + share * (loss - before)
        self._points.append((step, value, loss))
        self._n_open = (self._n_open + 1) % self._width
        if len(self._points) == CAPACITY and not self._n_open:
            pairs = zip(self._points[::2], self._points[1::2], strict=True)
            self._points = [(b[0], (a[1] + b[1]) / 2, (a[2] + b[2]) / 2) for a, b in pairs]
            self._width *= 2

    def overfits(self) -> Evidence:
        """Test whether the validation loss rose while the loss that is trained on did not."""
        if not self._points:
            return Evidence("overfitting", note="needs a validation loss")
        step, values, losses = (np.array(column) for column in zip(*self._points, strict=True))
        # One lucky validation is no level that the others rose from.
        padded = np.concatenate([values[:1], values, values[-1:]])
        levels = np.median([padded[:-2], padded[1:-1], padded[2:]], axis=0)
        best = int(np.argmin(levels))
        rise = median(values[-LEAST:]) - float(levels[best])
        noise = median(np.abs(np.diff(values))) if len(values) > 1 else 0.0
        least = max(ROSE * abs(float(levels[best])), NOISES * noise)
        since_best = values[best + 2 :]  # the neighbour had a say in the level
        lasts = len(since_best) >= LEAST and float(since_best.min()) >= levels[best]
        trained = not median(losses[-LEAST:]) > losses[best]
        value, since = self._least
        rose = f"rose from {number(value, 3)} to {number(self._last, 3)} since step {since:,}"
        fired = bool(lasts and rise > least and trained)
        return Evidence(
            "overfitting",
            rise,
            least,
            fired=fired,
            interval=(since, int(step[-1])),
            note=f"validation loss {rose}"
            if fired
            else f"validation loss is {number(self._last, 3)}",
            speaks="neither",
        )
