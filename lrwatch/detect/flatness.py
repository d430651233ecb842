"""Flatness: how much of its decrease the loss made in the second half of the run.

Own, fitted on the labelled runs: a run at its floor made less than 2% there, a crawling one half.

>>> import numpy as np
>>> from lrwatch.detect.tracker import past_of
>>> step = np.arange(400)
>>> floor = past_of({"step": step, "loss": 1 + np.exp(-step / 20), "lr": np.ones(400)})
>>> crawl = past_of({"step": step, "loss": 2 - step / 1000, "lr": np.ones(400)})
>>> is_flat(floor).fired, is_flat(crawl).fired
(True, False)
>>> has_settled(floor).fired, has_settled(crawl).fired
(True, False)
>>> progress(crawl).fired, is_flat(crawl).note
(False, '40.5% of the decrease came in the second half')
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from lrwatch.detect.motion import relative_path
from lrwatch.detect.past import Past
from lrwatch.detect.wording import share, times
from lrwatch.verdicts import Evidence

__all__ = [
    "NOTHING",
    "drift",
    "drift_error",
    "has_settled",
    "is_flat",
    "never_moved",
    "progress",
    "standard_error",
]

FLAT: Final = 0.02
"""Share of the whole decrease; less than that over half of the run is flat."""

FAR: Final = 4.0
"""Relative path that a crawling run does not come to."""

EARLY: Final = {0.1: 0.75, 0.25: 0.85, 0.5: 0.94}
"""Share of the decrease that came by a fraction of the run, in 3% of crawling runs only."""

SETTLED: Final = 0.15
"""Share of the decrease in the second half that a crawling run always exceeds."""

MATERIAL: Final = 0.1
"""Share of its own level that a loss must fall by to be on its way still."""

NOTHING: Final = 1e-3
"""Share of the loss at the start below which there is nowhere left to fall."""

STRETCHES: Final = 6
UNMOVED: Final = 2.5
"""Their distance from one another, in standard errors, that noise does not explain."""

FEW: Final = 24
"""Losses at which they must be twice as far apart: a noise of few is hardly known."""

SURE: Final = 3.0
"""Standard errors."""


def standard_error(past: Past, start: float, end: float) -> float:
    """Return the standard error of the mean loss over a stretch of the run."""
    rows = float(past.history["loss_n"][past.between(start, end)].sum())
    return past.grain / math.sqrt(max(rows, 1.0))


def _error(past: Past) -> float:
    return math.hypot(standard_error(past, 0.45, 0.6), standard_error(past, 0.85, 1.0))


def drift(past: Past) -> float:
    """Return the share of the whole decrease that came in the second half of the run."""
    return (past.level(0.45, 0.6) - past.level(0.85, 1.0)) / (past.gained + past.grain)


def drift_error(past: Past) -> float:
    """Return the standard error of `drift`."""
    return _error(past) / (past.gained + past.grain)


def is_flat(past: Past) -> Evidence:
    """Test whether the loss no longer moves, beyond what its noise could hide.

    A loss near 0 may fall by half with hardly any of its whole decrease: that is no floor.
    """
    error = _error(past)
    threshold = FLAT + 2 * drift_error(past)
    value = drift(past)
    fall = value * (past.gained + past.grain)
    falls = fall > max(2 * error, MATERIAL * abs(past.end)) and past.end > NOTHING * past.start
    return Evidence(
        "flat",
        value,
        threshold,
        fired=abs(value) < threshold and not falls,
        interval=past.steps_of(past.between(0.45, 1.0)),
        note=_second_half(value),
        speaks="neither",
    )


def _second_half(drift: float) -> str:
    if drift < 0:
        return f"the loss rose in the second half, by {share(-drift)} of its decrease"
    return f"{share(drift)} of the decrease came in the second half"


def has_settled(past: Past) -> Evidence:
    """Test whether it is certain that the loss no longer falls as it did.

    A crawling loss makes about half of its way in the second half of the run, and its parameters
    have not come far. Where it is not known how far they came, nearly all of the decrease must
    have come early.
    """
    value = drift(past) + SURE * drift_error(past)
    path = relative_path(past)
    settled = _came_early(past) if math.isnan(path) else value < SETTLED and path > FAR
    return Evidence(
        "settled",
        value,
        SETTLED,
        fired=settled and not progress(past).fired,
        interval=past.steps_of(past.between(0.45, 1.0)),
        note=f"at most {share(value)} of the decrease came in the second half"
        if value > 0
        else "none of the decrease came in the second half",
        speaks="for",
    )


def _came_early(past: Past) -> bool:
    drop = past.start - past.end
    if not drop > 0:
        return False
    shares = [(past.start - past.level(at - 0.04, at + 0.04)) / drop for at in EARLY]
    return all(share > least for share, least in zip(shares, EARLY.values(), strict=True))


def never_moved(past: Past) -> Evidence:
    """Test whether the levels of six stretches of the run differ by no more than noise does."""
    levels, weights = np.array(
        [_level_of(past, k / STRETCHES, (k + 1) / STRETCHES) for k in range(STRETCHES)]
    ).T
    apart = (levels - np.average(levels, weights=weights)) / past.grain
    value = math.sqrt(float((weights * apart**2).sum()) / (STRETCHES - 1))
    least = UNMOVED * (1 + FEW / max(past.n_loss, 1))
    return Evidence(
        "unmoved",
        value,
        least,
        fired=value < least,
        interval=past.interval,
        note=f"the levels of {STRETCHES} stretches of the run differ by {times(value)} their "
        "uncertainty",
        speaks="neither",
    )


def _level_of(past: Past, start: float, end: float) -> tuple[float, float]:
    """Mean loss of a stretch, and how many losses that is of."""
    bins = past.between(start, end)
    rows = np.maximum(past.history["loss_n"][bins], 1e-9)
    return float(np.average(past.loss[bins], weights=rows)), float(rows.sum())


def progress(past: Past) -> Evidence:
    """Test whether the loss at the end is above its start, or lower by no more than noise."""
    error = past.grain * math.sqrt(1 / 5 + 1 / max(float(past.history["loss_n"].sum()) / 5, 1))
    value = (past.start - float(past.loss[past.between(0.8, 1.0)].mean())) / error
    side = "below" if value > 0 else "above"
    return Evidence(
        "no_progress",
        value,
        SURE,
        fired=value < SURE,
        interval=past.interval,
        note=f"the loss ended {side} where it began, by {times(abs(value))} its uncertainty",
    )
