"""Crawl: whether a loss by itself shows that it is too slow, and not near its floor.

A fine-tuned model's loss falls little, at once, and is flat for the rest, and so does one that
is at its floor; without norms or runs at other rates neither is told from a rate that is too
low. But a loss that had made less than half of its way after a tenth of the run, and went on
falling to its end as the learning rate went on, has somewhere to go.

Own; fitted on labelled runs and judged on logs of language models, fine-tuning and diffusion.

>>> import numpy as np
>>> from lrwatch.detect.tracker import past_of
>>> step, noise = np.arange(400), 0.05 * np.random.default_rng(0).standard_normal(400)
>>> def run(loss):
...     return past_of({"step": step, "loss": loss + noise, "lr": np.ones(400)})
>>> crawls(run(2 - step / 800)).fired, crawls(run(1.2 + 0.2 * np.exp(-step / 20))).fired
(True, False)
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from lrwatch.detect.flatness import drift, drift_error
from lrwatch.detect.past import Past
from lrwatch.detect.wording import share
from lrwatch.verdicts import Evidence

__all__ = ["crawls"]

EARLY: Final = 0.5
"""Share of the decrease after a tenth of the run, from which on it came early."""

STEADY: Final = 0.1
"""Share of the decrease that came in the second half, for each half of the rates' sum."""

SURE: Final = 2.0
"""Standard errors."""

NEAR: Final = 3
"""Bins on either side of a step down."""

STEP: Final = 0.4
"""Share of the decrease in the second half that comes at one step down: an epoch began, or the
rate was cut."""

REAL: Final = 10.0
"""Standard errors of a step down that is no noise."""

SECOND_HALF: Final = 0.525
"""Where the stretch ends that `drift` compares the end of the run with."""


def crawls(past: Past) -> Evidence:
    """Test whether the loss fell slowly at first and fell to the end."""
    drop = past.start - past.end
    second = drift(past)
    least = second - SURE * drift_error(past)
    steady = least * (1 - SECOND_HALF) / max(_rates_in_second_half(past), 1e-3)
    early = (past.start - past.level(0.06, 0.14)) / drop if drop > 0 else math.nan
    return Evidence(
        "crawl",
        steady,
        STEADY,
        fired=drop > past.grain and early < EARLY and steady > STEADY and not _steps_down(past),
        interval=past.interval,
        note=f"{share(early)} of the decrease came by a tenth of the run, "
        f"{share(second)} in its second half"
        if drop > 0
        else "the loss has not come down",
    )


def _rates_in_second_half(past: Past) -> float:
    """Share of the sum of all learning rates that was spent there."""
    rates = past.lr * past.steps
    total = float(rates.sum())
    if not total > 0:
        return 1 - SECOND_HALF
    return float(rates[past.middle > SECOND_HALF].sum()) / total


def _steps_down(past: Past) -> bool:
    """Whether much of the decrease in the second half came at once, and not by and by."""
    loss = past.loss[past.between(1 - SECOND_HALF, 1.0)]
    if len(loss) < 4 * NEAR:
        return False
    means = np.convolve(loss, np.full(NEAR, 1 / NEAR), "valid")
    deepest = float((means[:-NEAR] - means[NEAR:]).max())
    rows = past.n_loss / len(past) * NEAR
    whole = past.level(0.45, 0.6) - past.end
    return deepest > max(STEP * whole, REAL * past.grain * math.sqrt(2 / max(rows, 1.0)))
