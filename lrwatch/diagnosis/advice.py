"""What to try next: an action that fits the situation, and a peak learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from lrwatch.detect.explosion import STEEP, steepness
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

LOWEST: Final = 1 / 100
HIGHEST: Final = 300.0
"""The largest changes that one run can speak for."""


def suggest(verdict: Verdict, exam: Examination) -> float | None:
    """Return the peak learning rate to try next; ``None`` where another would not help."""
    peak = _peak(exam)
    kind = CLASSES[verdict]
    if not 0 < peak < math.inf or (verdict == "stalled" and not _would_help(exam)):
        return None
    if kind == "too_high":
        return _rounded(peak * _lower(exam))
    if kind == "too_low":
        return _rounded(peak * _higher(exam))
    return None


def _would_help(exam: Examination) -> bool:
    """Whether another rate would help a run that stalled: only where it may crawl after all."""
    crawls = exam.probability.get("too_low", 0.0) >= CRAWLS
    return crawls and not (exam.fired("frozen") or exam.fired("lr_cut"))


def _peak(exam: Examination) -> float:
    return float(np.fmax.reduce(exam.past.history["lr_max"])) if len(exam.past) else math.nan


def _lower(exam: Examination) -> float:
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


def _other_rate(exam: Examination, suggested_lr: float | None) -> str:
    if suggested_lr is None:
        return "Try another learning rate"
    tried = number(_peak(exam), 3)
    return f"Try a peak learning rate of {number(suggested_lr, 3)} instead of {tried}"


def _diverging(exam: Examination, suggested_lr: float | None) -> str:
    also = ""
    if exam.fired("nonfinite"):
        also = ", and look for values that are not finite in the batch of that step"
    return _other_rate(exam, suggested_lr) + also


def _exploding(exam: Examination, _: float | None) -> str:
    opening, steep = exam.past.opening, steepness(exam.past.opening)
    usual = opening.grad * min(STEEPNESS / steep, 1.0) if steep > STEEP else opening.grad
    at = f" at a norm of about {number(usual, 2)}" if usual > 0 else ""
    return f"Clip the gradient{at}, and scale down the initial weights, recurrent ones first"


def _stalled(exam: Examination, suggested_lr: float | None) -> str:
    if exam.fired("lr_cut"):
        return "Keep the learning rate high for longer before cutting it"
    if exam.fired("frozen"):
        return "Check that the optimizer holds the parameters that the loss depends on"
    net = "heck that gradients reach every layer: initialisation, activations, normalisation"
    return f"C{net}" if suggested_lr is None else f"{_other_rate(exam, suggested_lr)}, and c{net}"


def _converged(exam: Examination, _: float | None) -> str:
    if float(exam.past.lr[-1]) <= DECAYED * _peak(exam):
        return "Stop here: the learning rate has decayed too"
    return "Stop here, or lower the learning rate to see whether its noise is the floor"


def _spike(_: Examination, __: float | None) -> str:
    return "Look at the batch of that step; clipping the gradient would have softened it"


def _insufficient(exam: Examination, _: float | None) -> str:
    if not exam.fired("range_test"):
        return ""
    past = exam.past
    lowest = float(past.lr[int(np.argmin(past.loss))])
    return f"Loss was lowest at a rate of {number(lowest, 2)}; a tenth of that is a usual choice"


_SENTENCES: Final[dict[Verdict, Callable[[Examination, float | None], str]]] = {
    "diverging": _diverging,
    "oscillating": _other_rate,
    "exploding": _exploding,
    "too_low": _other_rate,
    "stalled": _stalled,
    "converged": _converged,
    "spike": _spike,
    "insufficient_data": _insufficient,
}
