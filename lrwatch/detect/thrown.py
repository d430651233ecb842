"""Thrown: whether a loss by itself shows that steps were too large, and not that it wandered.

Steps that are too large throw a loss up: far above where it began, or from far below it back. The
loss of a GAN's player, of moving targets, or of a log that is smoothed rises and falls as well,
for as long and as surely, but by less. In the first rows a wave and a divergence are one picture.

Own; fitted on labelled runs, and judged on GANs and smoothed logs: docs/decisions/0035.

>>> from lrwatch.detect.tracker import past_of
>>> step = np.arange(200)
>>> def run(loss):
...     return past_of({"step": step, "loss": loss, "lr": np.ones(200)})
>>> wave = 1.4 + 0.4 * np.cos(step / 15)
>>> thrown(run(wave)).fired, thrown(run(np.where(step < 100, wave, 9.0))).fired
(False, True)
>>> thrown(run(np.where(step < 100, np.exp(-step / 20), 0.8))).fired
True
"""

from __future__ import annotations

from typing import Final

import numpy as np

from lrwatch.detect.past import Past
from lrwatch.detect.wording import times
from lrwatch.verdicts import Evidence

__all__ = ["thrown"]

HIGH: Final = 3.0
"""Highest loss beside the one at the start."""

HIGH_LATER: Final = 1.5
"""The same of a loss that has shown how it wanders, and that it can fall."""

MANY: Final = 256
"""Rows after which it has shown how it wanders."""

FELL: Final = 0.1
"""Share of the loss at the start that a run must have come down by to have shown that it can."""

DEEP: Final = 0.4
"""Share of the loss at the start that a run came down to, from which it has far to be thrown."""

LOST: Final = 0.3
"""Share of that decrease that is lost again."""


def thrown(past: Past) -> Evidence:
    """Test whether the loss was thrown far above its start, or up from far below it."""
    if not past.start > 0:
        return Evidence("thrown", note="the loss at the start is not above 0")
    value = float(np.fmax.reduce(past.history["loss_max"])) / past.start
    best = float(past.best[-1])
    is_known = past.n_loss >= MANY and best < (1 - FELL) * past.start
    threshold = HIGH_LATER if is_known else HIGH
    is_back = best < DEEP * past.start and past.end - best > LOST * (past.start - best)
    return Evidence(
        "thrown",
        value,
        threshold,
        fired=value >= threshold or is_back,
        interval=past.interval,
        note=f"the highest loss was {times(value)} that at the start",
        speaks="neither",
    )
