"""One sentence for each verdict, numbers first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np

from lrwatch.detect import gain, motion, progress
from lrwatch.detect.divergence import LOST
from lrwatch.detect.explosion import BEFORE, GENTLE, steepness
from lrwatch.detect.past import TINY
from lrwatch.detect.wording import little, sentence, share, times
from lrwatch.diagnosis.abstention import course, why_nothing_is_said
from lrwatch.diagnosis.examination import Examination, TooHigh
from lrwatch.diagnosis.verdict import was_cut
from lrwatch.formats import count, number
from lrwatch.logs import LARGEST_LOSS
from lrwatch.verdicts import Verdict

__all__ = ["reason"]

SLIGHT: Final = 0.1
"""Share of the loss at the start; a run that never gained more has learnt nothing."""

WHOLE: Final = 0.985
"""Share that is called all."""

USUAL_GAIN: Final = 0.045
"""Median gain ratio of good runs of the development corpus."""

FAR: Final = 3.0
"""Relative path beyond which it is not the path that shows a crawl."""

CERTAIN: Final = 3.0
"""Standard errors."""


def reason(verdict: Verdict, exam: Examination) -> str:
    """Say in one sentence why a run got its verdict.

    Overfitting, and a layer whose gradient stands out, are told beside it.
    """
    beside = [exam.result(name).note for name in ("layers", "overfitting") if exam.fired(name)]
    return "; ".join([_SENTENCES[verdict](exam), *beside])


def _diverging(exam: Examination) -> str:
    if exam.fired("nonfinite"):
        return _nonfinite(exam)
    if exam.fired("gradient_not_finite"):
        zero = exam.fired("zero_loss")
        goes_on = ", and the loss of exactly 0 in the log means nothing" if zero else ""
        return f"{sentence(exam.result('gradient_not_finite').note)}: nothing is learnt{goes_on}"
    if exam.earlier is not None and was_cut(exam) and not exam.is_lost:
        return _remembered(exam, exam.earlier)
    past = exam.past
    lowest = float(past.best[-1])
    now = np.fmax(past.end, exam.tracker.divergence.level)
    start, end, best = past.opening.quoted, _n(now), _n(lowest)
    if exam.fired("no_progress") and past.gained < SLIGHT * abs(past.start):
        little_lower = "no lower" if now >= start else "hardly lower"
        came = f"is {end} after {_steps(exam)}, {little_lower} than the {_n(start)} it started at"
        if past.end > start + SLIGHT * abs(start):
            came = f"rose from {_n(start)} to {end} in {_steps(exam)}"
        return f"Loss {came}: the steps are too large to learn anything"
    if (exam.result("drawdown").value or 0.0) < LOST:
        return f"Loss is {end} after {_steps(exam)}, and is too noisy to show a decrease"
    lost = (now - lowest) / max(start - lowest, TINY)  # of the decrease alone, noise left out
    part = "all" if lost >= WHOLE else share(lost)
    return f"Loss fell to {best} and is back at {end}: {part} of what it had gained is lost"


def _remembered(exam: Examination, earlier: TooHigh) -> str:
    now, before = _n(float(exam.past.lr[-1])), _n(earlier.lr)
    return (
        f"Loss was lost by step {count(earlier.step)}, at a learning rate of {before}, and came to "
        f"{_n(exam.past.end)} once that was {now}"
    )


def _nonfinite(exam: Examination) -> str:
    found = exam.tracker.nonfinite
    is_lasting = found.has_loss and found.is_dead
    before = f"; the last finite one was {_n(found.last_finite)}" if is_lasting else ""
    return f"{sentence(found.in_words())}{before}"


def _exploding(exam: Examination) -> str:
    jump, opening = exam.tracker.explosion.jump, exam.past.opening
    if jump is None:  # cannot be: nothing else leads to this verdict
        return _diverging(exam)
    rose = f"Gradient norm rose {number(jump.growth, 3)}-fold by step {jump.step}"
    if jump.stride < GENTLE:
        longest = f"{share(jump.stride)} of the weights' length"
        return f"{rose}, although the longest step measured just before was {longest}"
    if jump.row < BEFORE and steepness(opening) > 1:
        return (
            f"{rose}, and was so steep from the start that steps beyond "
            f"{number(100 / steepness(opening), 2)}% of the weights' length overshoot"
        )
    return f"{rose} at a learning rate no higher than before, and took the loss with it"


def _oscillating(exam: Examination) -> str:
    went, ratio = course(exam), gain.gain_ratio(exam.past)
    if not ratio < USUAL_GAIN / 2:  # NaN, or no less than usual: other signs decided
        if exam.fired("bounce"):
            return f"{went}, bouncing up and down: steps overshoot and undo each other"
        return f"{went}, the way it does where steps overshoot: a lower rate would get further"
    part = little(ratio / USUAL_GAIN)
    return f"{went}, {part} of what such steps usually gain: they overshoot and undo each other"


def _too_low(exam: Examination) -> str:
    past, steps = exam.past, _steps(exam)
    path, ratio = motion.relative_path(past), gain.gain_ratio(past)
    falls = progress.still_falling(past, 0.5) > CERTAIN
    if path < FAR:
        found = (
            f"The weights moved {times(path)} their own length in {steps}"
            f"{', and the loss is still falling' if falls else ', which is not far'}"
        )
    elif ratio > 2 * USUAL_GAIN:
        gains = times(ratio / USUAL_GAIN)
        found = f"Each step gains {gains} as much for its length as in good runs"
    elif past.end < past.start:
        found = (
            f"Loss came down slowly, from {_n(past.opening.quoted)} to {_n(past.end)} in {steps}"
        )
    else:
        found = f"Loss has not come down from {_n(past.start)} in {steps}, and moves calmly"
    return f"{found}: larger steps would get further"


def _stalled(exam: Examination) -> str:
    past = exam.past
    for name in ("zero_rate", "zero_gradient"):
        if exam.fired(name):
            return f"{sentence(exam.result(name).note)}: nothing is learnt"
    if exam.fired("lr_cut"):
        cut = exam.result("lr_cut").note.removeprefix("the l")
        return f"L{cut} while the loss was still falling, and the loss hardly moved afterwards"
    if exam.fired("frozen"):
        how = "exactly" if abs(past.end) < LARGEST_LOSS else "beyond"
        return f"Loss is {how} {_n(past.end)} at every step"
    moved = f"although the weights moved {times(motion.relative_path(past))} their own length"
    if past.end >= past.start or _n(past.end) == _n(past.start):
        return f"Loss has not come down from {_n(past.start)}, {moved}"
    part = little((past.start - past.end) / abs(past.start))
    return f"Loss came down by {part}, from {_n(past.start)} to {_n(past.end)}, {moved}"


def _converged(exam: Examination) -> str:
    past, drift = exam.past, abs(exam.result("flat").value or 0.0)
    if exam.has_nothing_left:  # it may well halve and halve again
        left = share(past.end / past.start)
        return (
            f"Loss came down from {_n(past.opening.quoted)} to {_n(past.end)}: {left} of it is left"
        )
    moved = f"it moved by {share(drift)} of its decrease" if drift else "its level did not change"
    return f"Loss is flat at {_n(past.end)}: {moved} in the second half"


def _spike(exam: Examination) -> str:
    past, found = exam.past, exam.result("spike")
    step = found.interval[0] if found.interval else 0
    top = float(past.history["loss_max"][past.first_step == step].max())
    return f"Loss rose to {_n(top)} near step {step} and came back to {_n(past.end)}"


def _ok(exam: Examination) -> str:
    past, found = exam.past, exam.tracker.nonfinite
    also = f"; {found.in_words()}" if found.n_bad else ""
    went = f"from {_n(past.opening.quoted)} to {_n(past.end)}"
    if past.end >= past.start or exam.fired("no_progress"):  # lower, if at all, by its noise
        return f"Loss went {went}, and nothing points to the step size{also}"
    if exam.is_bare:
        return f"Loss came down {went}, and nothing points to the step size{also}"
    return f"Loss came down {went} with steps of a good size{also}"


def _steps(exam: Examination) -> str:
    return f"{count(int(exam.past.n_steps))} steps"


def _n(value: float) -> str:
    return number(value, 3)


_SENTENCES: Final[dict[Verdict, Callable[[Examination], str]]] = {
    "diverging": _diverging,
    "exploding": _exploding,
    "oscillating": _oscillating,
    "too_low": _too_low,
    "stalled": _stalled,
    "converged": _converged,
    "spike": _spike,
    "ok": _ok,
    "insufficient_data": why_nothing_is_said,
}
