"""What to try next: an action that fits the situation, and a peak learning rate."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

import numpy as np

from lrwatch.diagnosis.diagnosis import CLASSES, Verdict
from lrwatch.diagnosis.examination import Examination

__all__ = ["advice", "suggest"]

HALF_DECADE: Final = math.sqrt(10)
"""The least change of a learning rate that is worth a new run."""

LOWEST: Final = 1 / 100
HIGHEST: Final = 300.0
"""The largest changes that one run can speak for."""


def suggest(verdict: Verdict, exam: Examination) -> float | None:
    """Return the peak learning rate to try next; ``None`` where another would not help."""
    peak = _peak(exam)
    kind = CLASSES[verdict]
    if not 0 < peak < math.inf or exam.fired("frozen") or exam.fired("lr_cut"):
        return None
    if kind == "too_high":
        return _rounded(peak * _lower(exam))
    if kind == "too_low":
        return _rounded(peak * _higher(exam))
    return None


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
    return f"Try a peak learning rate of {suggested_lr:.3g} instead of {_peak(exam):.3g}"


def _diverging(exam: Examination, suggested_lr: float | None) -> str:
    also = ""
    if exam.fired("nonfinite"):
        also = ", and look for values that are not finite in the batch of that step"
    return _other_rate(exam, suggested_lr) + also


def _exploding(exam: Examination, _: float | None) -> str:
    usual = exam.past.opening.grad
    at = f" at a norm of about {usual:.2g}" if usual > 0 else ""
    return f"Clip the gradient{at}, and look at the initial recurrent weights"


def _stalled(exam: Examination, _: float | None) -> str:
    if exam.fired("lr_cut"):
        return "Keep the learning rate up for longer before it is cut"
    if exam.fired("frozen"):
        return "Check that the optimizer holds the parameters that the loss depends on"
    return "Check that gradients reach every layer: initialisation, activations, normalisation"


def _converged(_: Examination, __: float | None) -> str:
    return "Stop here, or decay the learning rate to see whether its noise is the floor"


def _spike(_: Examination, __: float | None) -> str:
    return "Look at the batch of that step; a clipped gradient would have softened it"


def _insufficient(exam: Examination, _: float | None) -> str:
    if not exam.fired("range_test"):
        return ""
    past = exam.past
    lowest = float(past.lr[int(np.argmin(past.loss))])
    return f"Loss was lowest at a rate of {lowest:.2g}; a tenth of that is a usual choice"


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
