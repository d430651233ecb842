"""Few rows: what 10 to 23 losses can tell, each of which may be the mean of many steps.

So few have no noise to be measured by. But where every loss of the last rows lies above, or
below, every loss of the first ones, and far off, chance is no explanation. Rows of single steps
are the beginning of a run, where a loss may well be thrown up: they need a stronger sign.

Own; judged on labelled runs whose losses were averaged to 12 and 20 rows.

>>> import numpy as np
>>> from lrwatch.detect.tracker import past_of
>>> def logged(loss, every):
...     return past_of({"step": every * np.arange(14), "loss": loss, "lr": np.ones(14)})
>>> rises, falls = np.linspace(2, 6, 14), 0.5 + 1.5 * np.exp(-np.arange(14) / 2)
>>> rose_clearly(logged(rises, 50)).fired, rose_clearly(logged(rises, 1)).fired
(True, False)
>>> settled_clearly(logged(falls, 50)).fired, settled_clearly(logged(rises, 50)).fired
(True, False)
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from lrwatch.detect.past import Past
from lrwatch.formats import number
from lrwatch.verdicts import Evidence

__all__ = ["rose_clearly", "settled_clearly"]

LEAST: Final = 10
"""Losses below which nothing is told."""

APART: Final = 5.0
"""Steps a row from which on a loss is taken for a mean."""

ROSE: Final = 1.5
"""Times the loss at the start to which a loss must have risen, where rows are means."""

BLEW_UP: Final = 10.0
"""The same where they are steps."""

FELL: Final = 0.8
"""Share of the loss at the start to which it must have come down."""

EARLY: Final = 0.8
"""Share of the decrease that must have come in the first half."""


def rose_clearly(past: Past) -> Evidence:
    """Test whether the loss of every one of the last rows lies far above those of the first."""
    value = past.end / past.start if past.start > 0 else math.nan
    least = ROSE if _are_means(past) else BLEW_UP
    lows, highs = past.history["loss_min"], past.history["loss_max"]
    return Evidence(
        "rose",
        value,
        least,
        fired=past.n_loss >= LEAST and bool(value > least and lows[-1] > highs[0]),
        interval=past.interval,
        note=f"the loss went from {number(past.start, 3)} to {number(past.end, 3)}",
    )


def settled_clearly(past: Past) -> Evidence:
    """Test whether the loss fell far, most of it in the first half, and stayed there."""
    drop = past.start - past.end
    value = past.end / past.start if past.start > 0 else math.nan
    middle = float(np.interp(0.5, past.middle, past.loss)) if len(past) else math.nan
    early = (past.start - middle) / drop if drop > 0 else 0.0
    lows, highs = past.history["loss_min"], past.history["loss_max"]
    fell = past.n_loss >= LEAST and bool(value < FELL and highs[-1] < lows[0])
    return Evidence(
        "fell",
        value,
        FELL,
        fired=fell and early > EARLY and _are_means(past),
        interval=past.interval,
        note=f"the loss went from {number(past.start, 3)} to {number(past.end, 3)}",
        speaks="for",
    )


def _are_means(past: Past) -> bool:
    return past.n_steps >= APART * past.n_rows
