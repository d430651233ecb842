"""Steps that the optimizer skipped, because gradients overflowed under mixed precision.

Source: Micikevicius et al., Mixed Precision Training, ICLR 2018, 3.2; the share is a convention.

>>> import numpy as np
>>> from lrwatch.detect.tracker import past_of
>>> run = {"step": range(80), "loss": np.ones(80), "lr": np.ones(80)}
>>> often, once = np.arange(80) % 10 == 0, np.arange(80) == 9
>>> skipped_steps(past_of(run | {"skipped": often})).note
'10% of the steps were skipped'
>>> skipped_steps(past_of(run | {"skipped": once})).fired
False
"""

from __future__ import annotations

from typing import Final

from lrwatch.detect.past import Past
from lrwatch.detect.wording import share as in_percent
from lrwatch.verdicts import Evidence

__all__ = ["skipped_steps"]

OFTEN: Final = 0.05
"""Share of steps; a loss scale that finds its place skips fewer."""


def skipped_steps(past: Past) -> Evidence:
    """Test whether more than one step in twenty was skipped."""
    share = float(past.history["skipped"].sum()) / max(past.n_rows, 1)
    return Evidence(
        "skipped_steps",
        share,
        OFTEN,
        fired=share > OFTEN,
        interval=past.interval,
        note=f"{in_percent(share)} of the steps were skipped",
    )
