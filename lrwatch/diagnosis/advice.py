"""What to try next: an action that fits the situation, and a peak learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from lrwatch.detect.explosion import SETTLED, STEEP, steepness
from lrwatch.diagnosis.examination import Examination
from lrwatch.formats import number
from lrwatch.verdicts import CLASSES, Verdict

__all__ = ["advice", "suggest"]

HALF_DECADE: Final = math.sqrt(10)
"""The least change of a learning rate that is worth a new run."""

DECAYED: Final = 0.1
"""Share of its peak at which a learning rate has come down."""

CRAWLS: Final = 0.9
"""Probability of too small steps from which on a run that stalled may merely crawl."""

STEEPNESS: Final = 10.0
"""Gradient norm * parameter norm / loss at which a gradient that is too steep may be clipped."""

CAREFUL: Final = 3.0
"""The largest change that a run can speak for by its loss alone."""

SURE: Final = 0.7
"""Confidence below which the loss alone speaks for no change at all."""

HELD: Final = 0.95
"""Share of the steps that are made at a rate no higher than the one that counts as the peak."""

BRIEF: Final = 2.0
"""Times that rate from which on a higher one was held for too short a time to be the peak."""

LOWEST: Final = 1 / 100
HIGHEST: Final = 300.0
"""The largest changes that one run can speak for."""


def suggest(verdict: Verdict, exam: Examination, confidence: float = 1.0) -> float | None:
    """Return the peak learning rate to try next; ``None`` where another would not help.

    What the loss alone tells of the rate is not worth more than a small step, and none at all
    unless the verdict is sure.
    """
    peak = _peak(exam)
    kind = CLASSES[verdict]
    if not 0 < peak < math.inf or (verdict == "stalled" and not _would_help(exam)):
        return None
    if kind not in ("too_high", "too_low"):
        return None
    factor = _lower(exam) if kind == "too_high" else _higher(exam)
    if exam.past.path is None:
        if confidence < SURE:
            return None
        factor = min(max(factor, 1 / CAREFUL), CAREFUL)
    return _rounded(peak * factor)


def _would_help(exam: Examination) -> bool:
    """Whether another rate would help a run that stalled: only where it may crawl after all."""
    crawls = exam.probability.get("too_low", 0.0) >= CRAWLS
    others = ("frozen", "lr_cut", "zero_rate", "zero_gradient")
    return crawls and not any(exam.fired(name) for name in others)


def _peak(exam: Examination) -> float:
    """Return the highest learning rate, but for one that was held for a few steps alone.

    The rate of one group of parameters may be high while that of the others warms up. One that
    was raised a few steps ago, and is what the run is lost at, is no such moment.
    """
    past = exam.past
    if not len(past) or not np.isfinite(past.lr).any():
        return math.nan
    highest = _highest(exam)
    order = np.argsort(past.lr)
    held = float(past.lr[order][np.searchsorted(np.cumsum(past.steps[order]), HELD * past.n_steps)])
    return highest if highest < BRIEF * max(held, float(past.lr[-1])) else held


def _highest(exam: Examination) -> float:
    return float(np.fmax.reduce(exam.past.history["lr_max"]))


def _lower(exam: Examination) -> float:
    if exam.fired("gradient_not_finite") and not exam.fired(
        "nonfinite"
    ):  # what the loss did since then says nothing
        return 1 / HALF_DECADE
    factor = 10**-exam.excess if math.isfinite(exam.excess) else LOWEST**0.5
    return min(max(factor, LOWEST), 1 / HALF_DECADE)


def _higher(exam: Examination) -> float:
    factor = 10**-exam.excess if math.isfinite(exam.excess) else HALF_DECADE
    return min(max(factor, HALF_DECADE), HIGHEST)


def _rounded(lr: float) -> float:
    """Round to two significant digits: nobody needs more."""
    return float(f"{lr:.1e}")


def advice(verdict: Verdict, exam: Examination, suggested_lr: float | None) -> str:
    """Say what to do; empty where there is nothing to do."""
    write = _SENTENCES.get(verdict)
    return write(exam, suggested_lr) if write else ""


def _lower_rate(exam: Examination, suggested_lr: float | None) -> str:
    return _other_rate(exam, suggested_lr, "lower")


def _higher_rate(exam: Examination, suggested_lr: float | None) -> str:
    return _other_rate(exam, suggested_lr, "higher")


def _other_rate(exam: Examination, suggested_lr: float | None, direction: str) -> str:
    if suggested_lr is None:
        return f"Try a {direction} learning rate"
    tried = number(_peak(exam), 3)
    return f"Try a peak learning rate of {number(suggested_lr, 3)} instead of {tried}"


def _diverging(exam: Examination, suggested_lr: float | None) -> str:
    also, dead = "", exam.fired("nonfinite") or exam.fired("gradient_not_finite")
    if dead and not exam.tracker.nonfinite.had_grown:  # else it is the steps that led there
        also = ", and look for values that are not finite in the batch of that step"
    return _lower_rate(exam, suggested_lr) + also


def _exploding(exam: Examination, _: float | None) -> str:
    opening, steep = exam.past.opening, steepness(exam.past.opening)
    usual = opening.grad * min(STEEPNESS / steep, 1.0) if steep > STEEP else opening.grad
    at = f" at a norm of about {number(usual, 2)}" if usual > 0 else ""
    jump = exam.tracker.explosion.jump
    if jump is not None and jump.row >= SETTLED:  # the initial weights trained well for so long
        return f"Clip the gradient{at}, and look at the batch of that step"
    return f"Clip the gradient{at}, and scale down the initial weights, recurrent ones first"


def _stalled(exam: Examination, suggested_lr: float | None) -> str:
    if exam.fired("zero_rate"):
        return "Look at the scheduler and its number of steps: it sets a learning rate of 0"
    if exam.fired("zero_gradient"):
        return "Check that the loss depends on parameters that are neither frozen nor detached"
    if exam.fired("lr_cut"):
        return "Keep the learning rate high for longer before cutting it"
    if exam.fired("frozen"):
        return "Check that the optimizer holds the parameters that the loss depends on"
    net = (
        "heck that targets belong to their inputs, and that gradients reach every layer: "
        "initialisation, activations, normalisation"
    )
    return f"C{net}" if suggested_lr is None else f"{_higher_rate(exam, suggested_lr)}, and c{net}"


def _converged(exam: Examination, _: float | None) -> str:
    if float(exam.past.lr[-1]) <= DECAYED * _highest(exam):
        return "Stop here: the learning rate has decayed too"
    if exam.has_nothing_left:
        return "Stop here, unless a still lower loss matters" if exam.past.end > 0 else "Stop here"
    return "Stop here, or lower the learning rate to see whether its noise is the floor"


def _spike(exam: Examination, _: float | None) -> str:
    clips = float(exam.past.history["clipped"].sum()) > 0
    softer = "" if clips else "; clipping the gradient would have softened it"
    return f"Look at the batch of that step{softer}"


def _insufficient(exam: Examination, _: float | None) -> str:
    if exam.fired("zero_loss"):
        return "Log the loss that is minimised; where it is 0 by design, watch the reward"
    if not exam.fired("range_test"):
        return ""
    past = exam.past
    lowest = float(past.lr[int(np.argmin(past.loss))])
    return f"Loss was lowest at a rate of {number(lowest, 2)}; a tenth of that is a usual choice"


_SENTENCES: Final[dict[Verdict, Callable[[Examination, float | None], str]]] = {
    "diverging": _diverging,
    "oscillating": _lower_rate,
    "exploding": _exploding,
    "too_low": _higher_rate,
    "stalled": _stalled,
    "converged": _converged,
    "spike": _spike,
    "insufficient_data": _insufficient,
}
