"""One sentence for each verdict, numbers first."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final

from lrwatch.detect import gain, gradient, motion
from lrwatch.detect.schedule import in_warmup
from lrwatch.diagnosis.diagnosis import Verdict
from lrwatch.diagnosis.examination import Examination

__all__ = ["reason"]

SLIGHT: Final = 0.1
"""Share of the loss at the start; a run that never gained more has learnt nothing."""

WHOLE: Final = 0.985
"""Share that is called all."""


def reason(verdict: Verdict, exam: Examination) -> str:
    """Say in one sentence why a run got its verdict."""
    return _SENTENCES[verdict](exam)


def _diverging(exam: Examination) -> str:
    if exam.fired("nonfinite"):
        return _nonfinite(exam)
    past = exam.past
    if exam.fired("no_progress") and past.gained < SLIGHT * abs(past.start):
        return (
            f"Loss {past.end:.3g} after {exam.tracker.n_rows} steps is no lower than the "
            f"{past.start:.3g} it began with: the steps are too large to learn anything"
        )
    lost = min(max(exam.evidence["drawdown"].value or 0.0, 0.0), 1.0)
    best = float(past.best[-1])
    share = "All" if lost >= WHOLE else f"{lost:.0%}"
    return f"{share} of the decrease was lost again: loss {best:.3g} at best, {past.end:.3g} now"


def _nonfinite(exam: Examination) -> str:
    step = exam.tracker.nonfinite.step
    if not exam.past.n_loss:
        return f"Loss is not finite from step {step} on, and never was"
    return f"Loss is not finite from step {step} on, after {float(exam.past.loss[-1]):.3g} before"


def _exploding(exam: Examination) -> str:
    growth = gradient.growth(exam.past)
    return (
        f"Gradient norm rose to {growth:.3g} times that of the first steps before the loss did, "
        f"and the loss is not finite from step {exam.tracker.nonfinite.step} on"
    )


def _oscillating(exam: Examination) -> str:
    ratio = gain.gain_ratio(exam.past)
    if math.isnan(ratio):
        found = f"Loss went from {exam.past.start:.3g} to {exam.past.end:.3g}, bouncing"
    else:
        found = f"{max(ratio, 0):.2%} of what first order allows was gained, 2% to 7% being usual"
    return f"{found}: steps overshoot and undo one another"


def _too_low(exam: Examination) -> str:
    past = exam.past
    path, ratio = motion.relative_path(past), gain.gain_ratio(past)
    if math.isnan(path) or math.isnan(ratio):
        found = f"Loss {past.start:.3g} came down to {past.end:.3g} only, and evenly"
    else:
        found = (
            f"Parameters moved {path:.2g} times their own length and {max(ratio, 0):.1%} of what "
            "first order allows was gained, 9 times and 2% to 7% being usual"
        )
    return f"{found}: larger steps would get further"


def _stalled(exam: Examination) -> str:
    past = exam.past
    if exam.fired("lr_cut"):
        cut = exam.evidence["lr_cut"].note
        return f"{cut[0].upper()}{cut[1:]} while the loss was still falling, and that ended it"
    if exam.fired("frozen"):
        return f"Loss {past.end:.3g} is exactly the same at every step"
    share = exam.evidence["dead"].value or 0.0
    return (
        f"Loss came down by {share:.1%} only, from {past.start:.3g} to {past.end:.3g}, "
        "and stays there though no step was too large"
    )


def _converged(exam: Examination) -> str:
    drift = abs(exam.evidence["flat"].value or 0.0)
    end = exam.past.end
    return f"Loss moved by {drift:.1%} of its decrease in the second half: flat at {end:.3g}"


def _spike(exam: Examination) -> str:
    found = exam.evidence["spike"]
    step = found.interval[0] if found.interval else 0
    top = float(exam.past.history["loss_max"].max())
    return f"Loss rose to {top:.3g} near step {step} and came back to {exam.past.end:.3g}"


def _ok(exam: Examination) -> str:
    start, end = exam.past.start, exam.past.end
    return f"Loss came down from {start:.3g} to {end:.3g} with steps of a good size"


def _insufficient(exam: Examination) -> str:
    n_loss = exam.past.n_loss
    if not n_loss:
        return "No finite loss was recorded: nothing to judge by"
    if not exam.probability:
        return f"{n_loss} steps with a loss so far: too few to say"
    if exam.fired("range_test"):
        swept = exam.evidence["range_test"].note
        return f"{swept[0].upper()}{swept[1:]}: a range test, not a rate to judge"
    likeliest = max(exam.probability, key=exam.probability.__getitem__)
    if likeliest == "too_low":
        if exam.total_steps and not in_warmup(exam.past):
            share = exam.past.n_steps / exam.total_steps
            return f"{share:.1%} of the planned steps are done: too early to call it slow"
        return "The learning rate is still warming up: too early to say"
    return "The signs contradict one another: cannot tell yet"


_SENTENCES: Final[dict[Verdict, Callable[[Examination], str]]] = {
    "diverging": _diverging,
    "exploding": _exploding,
    "oscillating": _oscillating,
    "too_low": _too_low,
    "stalled": _stalled,
    "converged": _converged,
    "spike": _spike,
    "ok": _ok,
    "insufficient_data": _insufficient,
}
