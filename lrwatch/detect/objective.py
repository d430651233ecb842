"""Change of objective: the loss rises, or jumps, and nothing else about it changes.

Where the weight of a loss term ramps up, the loss rises bit by bit and is no noisier for it;
where a term joins, it jumps and goes on falling as before. Steps that are too large lose a loss
within a fraction of the time since its best, and its noise grows or dies with it.

A loss that is negative at times, or that begins at 0, is none that steps bring down to
a floor: a policy's, a critic's or a game's. What it does says nothing about the steps.

Own; of the labelled runs that were lost, one in thirty rose as evenly.

>>> from lrwatch.detect.tracker import past_of
>>> step, noise = np.arange(400), 0.02 * np.random.default_rng(0).standard_normal(400)
>>> def run(loss):
...     return past_of({"step": step, "loss": loss + noise, "lr": np.ones(400)})
>>> ramp, joins = 0.5 + step / 400, 2 - step / 400 + (step > 150)
>>> changed(run(ramp)).fired, changed(run(joins)).fired, changed(run(0.5 + (step > 150))).fired
(True, True, False)
>>> unjudgeable(run(0.3 - step / 400)).fired, unjudgeable(run(ramp)).fired
(True, False)
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np

from lrwatch.detect.past import TINY, Past
from lrwatch.detect.scale import median
from lrwatch.formats import number
from lrwatch.records import FloatArray
from lrwatch.verdicts import Evidence

__all__ = ["begins_at_chance", "begins_at_zero", "changed", "unjudgeable"]

STRETCHES: Final = 8
"""Equal stretches of the rows since the best loss, whose levels are compared."""

MOST: Final = 0.5
"""Share of the whole rise that comes in one stretch where it comes bit by bit."""

RISES: Final = 4
"""Stretches to which the loss rises where it rises all along."""

NOISIER: Final = 2.0
"""Times by which noise may grow, or the gradient, while nothing else changes."""

LARGEST: Final = 1.0
"""Share of the loss at the start that a term may add: a loss thrown up further is lost."""

HIGH: Final = 2.0
"""Standard deviations of a loss that a jump exceeds."""

AGAIN: Final = 0.5
"""Share of the jump; a rise of more is the next one."""

SURE: Final = 4.0
"""Standard errors."""

EVEN: Final = 5e-4
"""How near to ln 2 a first loss lies that is nothing else: half of the last of three digits."""

ZEROS: Final = 2
"""First losses of exactly 0 that are no accident."""


def changed(past: Past) -> Evidence:
    """Test whether the loss rose bit by bit, or jumped and fell on, and was as calm as before."""
    best = int(np.argmin(past.best))
    if len(past) - best < STRETCHES:
        return Evidence("objective_changed", note="the loss is near its best")
    levels, error = _levels(past, best)
    moves = np.diff(levels)
    rise = float(levels[-1] - levels[0])
    most = float(moves.max()) / rise if rise > 0 else math.inf
    even = most < MOST and int(np.count_nonzero(moves > 0)) >= RISES and rise > SURE * error
    at = _jump(past)
    fired = _is_as_calm(past, best) if even else at is not None and _is_as_calm(past, at)
    bit = f"the loss rose from {number(past.loss[best], 3)} to {number(past.end, 3)}"
    note = "the loss did not rise" if rise <= 0 else bit
    if fired:
        calm = "no noisier than before"
        note = (
            f"{bit} bit by bit, {calm}"
            if even
            else (f"the loss jumped near step {past.first_step[at or 0]:,.0f} and fell on, {calm}")
        )
    return Evidence(
        "objective_changed",
        min(most, 1.0) if rise > 0 else 1.0,
        MOST,
        fired=fired,
        interval=past.steps_of(slice(best if even or at is None else at, len(past))),
        note=note,
        speaks="neither",
    )


def _levels(past: Past, best: int) -> tuple[FloatArray, float]:
    """Levels of the stretches since the best loss, and the standard error of their difference."""
    parts = np.array_split(np.arange(best, len(past)), STRETCHES)
    rows = float(past.history["loss_n"][best:].sum()) / STRETCHES
    levels = np.array([median(past.loss[part]) for part in parts])
    return levels, past.grain * math.sqrt(2 / max(rows, 1.0))


def _jump(past: Past) -> int | None:
    """Return the bin at which the loss jumped up and after which it fell on, if it did.

    It may jump again later, as where the data become harder by stages.
    """
    rises = np.diff(past.loss)
    at = int(np.argmax(rises)) + 1
    again = np.flatnonzero(rises[at:] > AGAIN * rises[at - 1])
    end = at + int(again[0]) + 1 if len(again) else len(past)
    before, after = past.loss[max(at - 4, 0) : at], past.loss[at:end]
    if len(before) < 4 or len(after) < STRETCHES:  # noqa: PLR2004
        return None
    quarter = len(after) // 4
    rows = past.n_loss / len(past) * quarter
    error = SURE * past.grain * math.sqrt(2 / max(rows, 1.0))
    height = median(after[:quarter]) - median(before)
    fall = median(after[:quarter]) - median(after[-quarter:])
    joins = max(HIGH * past.grain, error) < height <= LARGEST * abs(past.start)
    return at if joins and fall > error else None


def _is_as_calm(past: Past, at: int) -> bool:
    """Whether noise and gradient norm changed little from before a bin to the end.

    Noise may also have grown in proportion to the loss.
    """
    first, last = slice(max(at - 4, 0), max(at, 4)), slice(max(len(past) - 8, at), len(past))
    noise = _known(past.jitter[last]) / max(_known(past.jitter[first]), TINY)
    level = abs(median(past.loss[last])) / max(abs(median(past.loss[first])), TINY)
    grown = 10 ** (_known(past.log_grad[last]) - _known(past.log_grad[first]))
    return 1 / NOISIER < noise < NOISIER * max(level, 1.0) and not grown > NOISIER


def _known(values: FloatArray) -> float:
    return median(values[np.isfinite(values)])


def unjudgeable(past: Past) -> Evidence:
    """Test whether the loss is negative at times, or begins at 0."""
    least = float(past.loss.min())  # of levels: noise about a small loss is nothing unusual
    begins = begins_at_zero(past)
    note = f"the loss is {number(least, 3)} at its lowest"
    if begins:
        exactly = _n_zeros(past) >= ZEROS
        note = f"the loss begins {'at' if exactly else 'within its noise of'} 0"
    elif least < 0:
        lowest = float(np.fmin.reduce(past.history["loss_min"]))
        note = f"the loss is negative at times, down to {number(lowest, 3)}"
    return Evidence(
        "unusual_loss",
        least,
        0.0,
        fired=least < 0 or begins,
        interval=past.interval,
        note=note,
        speaks="neither",
    )


def begins_at_zero(past: Past) -> bool:
    """Whether the first losses are exactly 0, or on both sides of it and within the noise.

    Advantages of a policy add up to nothing: no step brings such a loss down.
    """
    losses = past.opening.losses
    if not losses:
        return False
    if _n_zeros(past) >= ZEROS:
        return True
    level = max(abs(float(np.median(losses))), abs(float(past.loss[0])))
    return min(*losses, float(past.loss.min())) < 0 and level < past.grain


def _n_zeros(past: Past) -> int:
    return sum(loss == 0 for loss in past.opening.losses)


def begins_at_chance(past: Past) -> bool:
    """Whether the first loss is ln 2 to its printed digits: of two choices neither is preferred.

    A preference is trained from a model that is its own reference; a net that begins at random
    misses ln 2 by more than that.
    """
    losses = past.opening.losses
    return bool(losses) and abs(losses[0] - math.log(2)) < EVEN
