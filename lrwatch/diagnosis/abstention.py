"""When nothing is said of a learning rate, and why: a guess costs more than a word too few."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from lrwatch.detect.objective import begins_at_chance, begins_at_zero
from lrwatch.detect.roughness import wander
from lrwatch.detect.schedule import in_warmup
from lrwatch.detect.wording import sentence, share
from lrwatch.diagnosis.examination import Examination
from lrwatch.formats import count, number
from lrwatch.verdicts import CLASSES, Verdict

__all__ = ["course", "is_unlike_any", "is_withheld", "rose_by_itself", "why_nothing_is_said"]

PROBABLE: Final = 0.9
"""Probability of too large steps from which on they explain a loss that rose by calm steps."""

CLEAR: Final = 0.7
"""Confidence that a run is slow from which on its shape alone shows it: 250 of 260 such verdicts
were right, on tasks that the model had not seen, and 3 were of good runs."""

MISSING: Final = 0.02
"""Share of the steps before a log begins, from which on the beginning is missing."""

MISSING_ROWS: Final = 3.0
"""The same in rows: a log of every hundredth step may well begin at the hundredth."""

A_FEW: Final = 10
"""Losses from which on it is told where they went."""

HIDDEN: Final = 2.0
"""Standard deviations of a loss: a decrease of less shows nothing by its shape."""

CALM: Final = 200.0
"""Standard deviations in the decrease of a loss whose bouncing nobody sees."""

DRAGGED: Final = 4.0
"""Times by which neighbouring levels move more than independent noise would have them: a log of
moving averages, or data in waves."""

CERTAIN: Final = 3.0
"""Standard errors."""

SLIGHT: Final = 0.01
"""Share of the loss at the start; one that has come down by more has moved."""


def rose_by_itself(exam: Examination) -> bool:
    """Whether the loss left its best for a reason that is not the length of the steps.

    It may be a game, a policy or other data: steps were calm, and the model agrees or the loss
    was not thrown far.
    """
    if not (exam.is_lost and exam.fired("calm_rise")):
        return False
    return exam.probability["too_high"] < PROBABLE or not exam.fired("thrown")


def is_withheld(verdict: Verdict, confidence: float, exam: Examination) -> bool:
    """Whether a verdict says more than this loss can tell."""
    kind = CLASSES[verdict]
    if exam.is_short or kind == "unknown":
        return False
    if kind == "ok" or _has_not_moved(exam):
        return _has_not_moved(exam)
    if exam.fired("no_objective") or _is_unusual(exam):
        return True
    if verdict == "too_low":
        return _begins_late(exam) or _prefers(exam) or _may_be_near_its_floor(exam, confidence)
    return kind == "too_high" and (_has_changed(exam) or _is_guessed(verdict, confidence, exam))


def is_unlike_any(exam: Examination) -> bool:
    """Whether the model would have to guess: a loss that came to nothing needs no model."""
    return exam.is_strange and not exam.fired("solved")


def _may_be_near_its_floor(exam: Examination, confidence: float) -> bool:
    """Whether neither a norm nor the loss itself shows that a run is too slow."""
    if not exam.is_bare or exam.fired("crawl"):
        return False
    return confidence < CLEAR or exam.past.gained < HIDDEN * exam.past.grain


def _prefers(exam: Examination) -> bool:
    """Whether a loss by itself is that of a preference, not trained as low as it would go."""
    past = exam.past
    return exam.is_bare and begins_at_chance(past) and past.start - past.end > SLIGHT * past.start


def _is_guessed(verdict: Verdict, confidence: float, exam: Examination) -> bool:
    """Whether a loss by itself is said to bounce, or to learn nothing, and does not show it."""
    if not exam.is_bare or exam.earlier is not None:
        return False
    if verdict == "oscillating":
        return _is_calm(exam) or _drifts(exam)
    return confidence < CLEAR and _is_level(exam)


def _is_calm(exam: Examination) -> bool:
    return exam.past.gained > CALM * exam.past.grain


def _drifts(exam: Examination) -> bool:
    return wander(exam.past) > DRAGGED


def _is_level(exam: Examination) -> bool:
    """Whether the loss ends neither above its start nor far above its best."""
    ends = exam.result("no_progress").value or 0.0
    return not exam.fired("drawdown") and ends > -CERTAIN


def _is_unusual(exam: Examination) -> bool:
    return exam.fired("unusual_loss") and (exam.is_bare or begins_at_zero(exam.past))


def _has_changed(exam: Examination) -> bool:
    return exam.is_bare and exam.fired("objective_changed")


def _has_not_moved(exam: Examination) -> bool:
    return exam.is_bare and exam.fired("unmoved")


def _begins_late(exam: Examination) -> bool:
    """Whether what came before the log may be where the loss fell.

    A loss alone falls steeply at first; with norms only a half that is missing matters.
    """
    past = exam.past
    missing = float(past.opening.step or 0)
    if not exam.is_bare:
        return missing > past.n_steps
    rows = past.n_steps / max(past.n_rows, 1)
    return missing > MISSING_ROWS * rows and missing > MISSING * (missing + past.n_steps)


def why_nothing_is_said(exam: Examination) -> str:
    """Say in one sentence why a run gets no verdict: the first reason that applies."""
    return next(write(exam) for applies, write in _WHY if applies(exam))


def _too_few(exam: Examination) -> str:
    n = exam.past.n_loss
    if n >= A_FEW:
        return f"{course(exam)} in {n} rows: too few to say more"
    return f"{count(n)} step{'s' * (n > 1)} with a loss so far: too few to say"


def _range_test(exam: Examination) -> str:
    return f"{sentence(exam.result('range_test').note)}: a range test, not a rate to judge"


def _wanders(exam: Examination) -> str:
    lowest, highest = _n(float(exam.past.loss.min())), _n(float(exam.past.loss.max()))
    return (
        f"Loss wanders between {lowest} and {highest} although the steps are calm, as in a GAN "
        "or a policy gradient: it says nothing about the learning rate"
    )


def _unusual(exam: Examination) -> str:
    said = sentence(exam.result("unusual_loss").note)
    return f"{said}: this loss cannot be judged; watch the reward, or another metric"


def _changed(exam: Examination) -> str:
    said = sentence(exam.result("objective_changed").note)
    return f"{said}: the objective seems to have changed, and not by the learning rate"


def _rose(exam: Examination) -> str:
    return (
        f"Loss rose by {_n(exam.tracker.divergence.lost)} from its best although the steps are "
        "calm: the cause may be other data or another objective, not the learning rate"
    )


def _unmoved(exam: Examination) -> str:
    return (
        f"Loss stays within its noise, near {_n(exam.past.end)}, from the first row to the last: "
        "it may be at its floor, or not learning"
    )


def _near_its_floor(exam: Examination) -> str:
    return (
        f"{course(exam)}, and is near its floor or too slow: which of them, "
        "only update norms or runs at other rates can tell"
    )


def _late(exam: Examination) -> str:
    return (
        f"The log begins at step {count(exam.past.opening.step or 0)}: a loss that is slow from "
        "there on may be near its floor"
    )


def _preference(exam: Examination) -> str:
    return (
        f"Loss began at ln 2, as preferences do, and came to {_n(exam.past.end)}: how far it would "
        "go is not what one is after, so only runs at other rates tell whether it is slow"
    )


def _in_waves(exam: Examination) -> str:
    return (
        f"Loss drifts up and down on its way to {_n(exam.past.end)}, as averages over many steps "
        "do: whether steps overshoot cannot be told from it"
    )


def _too_calm(exam: Examination) -> str:
    return (
        f"{course(exam)} by an unusual way, too calmly for steps that overshoot: "
        "nothing is said of its rate"
    )


def _level(exam: Examination) -> str:
    return f"{course(exam)}, which is within its noise: it may be at its floor, or not learning"


def _just_begun(exam: Examination) -> str:
    done = share(exam.past.n_steps / (exam.total_steps or 1))
    return f"{done} of the planned steps are done: too early to call it slow"


def _looks(exam: Examination, kind: str) -> bool:
    return max(exam.probability, key=exam.probability.__getitem__) == kind


def _looks_slow(exam: Examination) -> bool:
    return _looks(exam, "too_low") and exam.earlier is None


def _looks_high(exam: Examination) -> bool:
    return exam.is_bare and _looks(exam, "too_high") and exam.earlier is None


def course(exam: Examination) -> str:
    """Say from where to where the loss went: the beginning of a sentence."""
    return f"Loss went from {_n(exam.past.opening.quoted)} to {_n(exam.past.end)}"


def _n(value: float) -> str:
    return number(value, 3)


_WHY: Final[tuple[tuple[Callable[[Examination], bool], Callable[[Examination], str]], ...]] = (
    (
        lambda exam: not exam.past.n_loss,
        lambda _: "No finite loss was recorded, so there is nothing to judge by",
    ),
    (
        lambda exam: exam.fired("zero_loss"),
        lambda exam: f"{sentence(exam.result('zero_loss').note)}: this loss cannot be judged",
    ),
    (lambda exam: exam.is_short, _too_few),
    (lambda exam: exam.fired("range_test"), _range_test),
    (lambda exam: exam.fired("no_objective"), _wanders),
    (_is_unusual, _unusual),
    (_has_changed, _changed),
    (rose_by_itself, _rose),
    (_has_not_moved, _unmoved),
    (
        is_unlike_any,
        lambda _: "The run is unlike any that verdicts were tried on: nothing is said of its rate",
    ),
    (
        lambda exam: _looks_slow(exam) and in_warmup(exam.past),
        lambda _: "The learning rate is still warming up: too early to say",
    ),
    (lambda exam: _looks_slow(exam) and bool(exam.total_steps), _just_begun),
    (lambda exam: _looks_slow(exam) and _begins_late(exam), _late),
    (lambda exam: _looks_slow(exam) and _prefers(exam), _preference),
    (lambda exam: _looks_slow(exam) and exam.is_bare, _near_its_floor),
    (lambda exam: _looks_high(exam) and _drifts(exam), _in_waves),
    (lambda exam: _looks_high(exam) and _is_calm(exam), _too_calm),
    (lambda exam: _looks_high(exam) and _is_level(exam), _level),
    (lambda _: True, lambda _: "The tests contradict each other: too early to tell"),
)
"""Reasons to say nothing, the most telling first."""
