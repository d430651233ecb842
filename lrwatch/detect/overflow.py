"""Steps that the optimizer skipped, because gradients overflowed under mixed precision."""

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
