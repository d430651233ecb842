"""Progress: how far the loss came down, when, and how much of that was lost again.

All in units of the run itself: its own decrease, or the noise of its own loss.

Source: where learning-rate range tests stop (Smith, Cyclical Learning Rates for Training Neural
Networks, WACV 2017, 3.3), made relative; the thresholds are fitted on the labelled runs.

>>> from lrwatch.detect.divergence import Divergence
>>> from lrwatch.detect.tracker import past_of
>>> down, run = np.exp(-np.arange(200) / 20), {"step": np.arange(200), "lr": np.ones(200)}
>>> fine = past_of(run | {"loss": down})
>>> lost = past_of(run | {"loss": np.where(np.arange(200) < 150, down, 0.7)})
>>> lost_again(fine, Divergence()).fired, lost_again(lost, Divergence()).fired
(False, True)
>>> solved(fine).fired, solved(lost).fired
(True, False)
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from lrwatch.detect.divergence import Divergence
from lrwatch.detect.past import TINY, Past
from lrwatch.detect.scale import clip, decades
from lrwatch.detect.wording import share
from lrwatch.records import FloatArray
from lrwatch.verdicts import Evidence

__all__ = ["drawdown", "lost_again", "measure", "solved", "still_falling"]

HALF_LOST: Final = 0.5

BEYOND_BUMP: Final = 40
"""Rows: adaptive optimizers and momentum may throw the first ones up."""

SOLVED: Final = 1e-6
NOTHING: Final = 0.03
IN_DECADES: Final = ("log_fall_late", "log_fall_early", "log_drop", "log_progress_0.5")


def drawdown(past: Past) -> float:
    """Share of the decrease from the start to the best that has been lost again.

    0 at the best, 1 back at the start, more above it. Noise counts as decrease, so that a run
    that never came down has not lost much by jittering.
    """
    return (past.end - float(past.best[-1])) / (past.gained + past.grain)


def lost_again(past: Past, divergence: Divergence) -> Evidence:
    """Test whether much of the decrease was lost again, now or where the fast test fired."""
    value, since = drawdown(past), divergence.since
    if since is not None:
        fired_at = divergence.level - float(past.best[-1])
        value = max(value, fired_at / (past.gained + past.grain))
    end = past.interval[1] if past.interval else 0
    return Evidence(
        "drawdown",
        value,
        HALF_LOST,
        fired=past.n_loss >= BEYOND_BUMP and (value >= HALF_LOST or since is not None),
        interval=(since, end) if since is not None else past.interval,
        note="all of the decrease of the loss was lost again"
        if value >= 1
        else f"{share(value)} of the decrease of the loss was lost again",
    )


def solved(past: Past) -> Evidence:
    """Test whether a loss that cannot be negative came down to next to nothing."""
    down = _in_decades(past)["log_drop"]
    if math.isnan(down):
        return Evidence("solved", note="the loss is negative at times: 0 is not its least")
    left = 10**-down
    return Evidence(
        "solved",
        left,
        NOTHING,
        fired=left < NOTHING and drawdown(past) < NOTHING,
        interval=past.interval,
        note=f"{share(left)} of the loss at the start is left"
        if left <= 1
        else "the loss is above its start",
        speaks="for",
    )


def measure(past: Past) -> dict[str, float]:
    """Features of the loss curve."""
    drop = past.start - past.end
    gained = past.gained + past.grain
    moves = past.loss[1:] - past.loss[:-1]
    travelled = float(np.abs(moves).sum()) + TINY
    highest = _second_highest(past.history["loss_max"])
    early = float(past.loss[past.between(0, 0.1)].max())
    features = {
        "drop_rel": clip(drop / (abs(past.start) + TINY), -2, 1),
        "snr": decades(past.gained / past.grain, 1e-3, 1e4),
        "drawdown": clip(drawdown(past), 0, 5),
        "lost": clip(-drop / gained, -1, 5),
        "up_frac": float(np.maximum(moves, 0).sum()) / travelled,
        "efficiency": clip(drop / travelled, -1, 1),
        "peak": decades(max(highest - past.start, 0) / gained + 1e-3, 1e-3, 1e6),
        "rise_early": decades(max(early - past.start, 0) / gained + 1e-3, 1e-3, 1e6),
        "falling_late": _sign_log(still_falling(past, 0.5)),
        "falling_last": _sign_log(still_falling(past, 0.75)),
        "decay_gain": clip(_gained_in_decay(past) / gained, -2, 2),
    }
    for fraction in (0.1, 0.25, 0.5, 0.75):
        came_down = past.start - past.level(fraction - 0.04, fraction + 0.04)
        share = came_down / (abs(drop) + 0.3 * past.grain) * math.copysign(1, drop)
        features[f"progress_{fraction}"] = clip(share, -3, 3)
    return features | _in_decades(past)


def _second_highest(values: FloatArray) -> float:
    """Highest but one: a single spike must not colour a run."""
    known = values[np.isfinite(values)]
    return float(np.partition(known, -2)[-2]) if len(known) > 1 else float(known.max())


def still_falling(past: Past, since: float) -> float:
    """Return the decrease from a fraction of the run to its end, in standard errors."""
    before, after = past.between(since - 0.1, since + 0.05), past.between(0.85, 1.0)
    rows = past.history["loss_n"]
    error = past.grain * math.sqrt(
        1 / max(float(rows[before].sum()), 1) + 1 / max(float(rows[after].sum()), 1)
    )
    return (float(past.loss[before].mean()) - float(past.loss[after].mean())) / error


def _sign_log(value: float) -> float:
    return clip(math.copysign(math.log10(1 + abs(value)), value), -2, 3)


def _in_decades(past: Past) -> dict[str, float]:
    """Progress of a loss that is never negative, on a logarithmic scale.

    A loss of exactly 0 counts as `SOLVED` of the start: nothing is gained below that.
    """
    if past.start <= 0 or float(np.fmin.reduce(past.history["loss_min"])) < 0:
        return dict.fromkeys(IN_DECADES, math.nan)
    least = SOLVED * past.start
    stretches = {"quarter": (0.2, 0.3), "half": (0.45, 0.55), "end": (0.93, 1.0)}
    down = {
        name: decades(past.start / max(past.level(*stretch), least), TINY, 1 / TINY)
        for name, stretch in stretches.items()
    }
    return {
        "log_fall_late": clip(down["end"] - down["half"], -0.5, 2),
        "log_fall_early": clip(down["half"] - down["quarter"], -0.5, 2),
        "log_drop": clip(down["end"], -1, 6),
        "log_progress_0.5": clip(down["half"] / (down["end"] + 1e-3), -3, 3),
    }


def _gained_in_decay(past: Past) -> float:
    """Decrease of the loss after the learning rate fell below half of its peak."""
    after_peak = np.arange(len(past)) > int(np.argmax(past.lr))
    low = np.flatnonzero(after_peak & (past.lr < 0.5 * past.lr.max()))
    return float(past.loss[low[0] - 1]) - past.end if len(low) else 0.0
