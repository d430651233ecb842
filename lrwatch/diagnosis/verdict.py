"""From test results and probabilities to one word, and how sure it is."""

from __future__ import annotations

from typing import Final

from lrwatch.detect.schedule import in_warmup
from lrwatch.diagnosis.abstention import is_unlike_any, is_withheld, rose_by_itself
from lrwatch.diagnosis.examination import Examination
from lrwatch.verdicts import Verdict

__all__ = ["RESTS_ON", "decide", "is_early", "shows", "was_cut", "was_seen", "weigh"]

BEYOND_DOUBT: Final = 0.97
"""Confidence in what was seen rather than inferred."""

LIKELY: Final = 0.95
"""Confidence in a rule that was right nineteen times in twenty on the development corpus."""

VIOLENT: Final = 0.8
"""Probability of too large steps above which a run did not die calmly."""

PLAUSIBLE: Final = 0.5
"""Probability of too large steps from which on they are why the loss left its best."""

BEGINNING: Final = 0.05
"""Share of the planned steps in which nothing is called slow."""

LEAST: Final = 0.4
"""Probability below which no class is named."""

ROSE: Final = 0.9
FELL: Final = 0.7
"""Confidence in what a few rows show: no good run rose so, and of those that fell so two in three
of the development corpus were good, and nine in ten elsewhere."""

REMEMBERED: Final = 0.7
"""Confidence in an earlier finding that a later look does not bear out."""

CUT: Final = 0.5
"""Share of a rate that was too high from which on down it is another rate."""

OK_ODDS: Final = 1.8
"""Factor on the odds of a good learning rate, for a false alarm costs more than a miss."""

UNSEEN_ODDS: Final = 1.5
"""Factor against a crawl that no norm bears out: a fine-tuned model's loss falls little as well."""


_LOST: Final = ("nonfinite", "gradient_not_finite", "drawdown")

RESTS_ON: Final[dict[Verdict, tuple[str, ...]]] = {
    "diverging": _LOST,
    "exploding": _LOST,
    "stalled": ("zero_rate", "zero_gradient", "lr_cut"),
    "converged": ("flat",),
    "spike": ("spike",),
    "insufficient_data": ("zero_loss",),
}
"""Of the tests behind a verdict those that point to a stretch of the run, the first that fired."""


def decide(exam: Examination) -> tuple[Verdict, float]:
    """Return the verdict and the confidence in it."""
    if exam.fired("range_test"):
        return "insufficient_data", 0.0
    seen = _seen(exam)
    if seen is not None:
        return seen
    if rose_by_itself(exam):
        return "insufficient_data", 0.0
    found = _lost_again(exam) or _by_rule_or_model(exam)
    return ("insufficient_data", 0.0) if is_withheld(*found, exam) else found


def _seen(exam: Examination) -> tuple[Verdict, float] | None:
    """Decide what nothing else can overrule."""
    if exam.fired("nonfinite"):
        return _lost(exam, exam.tracker.nonfinite.step), BEYOND_DOUBT
    if exam.fired("gradient_not_finite"):
        return "diverging", BEYOND_DOUBT
    if exam.fired("zero_loss"):
        return "insufficient_data", 0.0
    if exam.fired("zero_rate") or exam.fired("zero_gradient") or exam.fired("frozen"):
        return "stalled", BEYOND_DOUBT
    return None


def _lost_again(exam: Examination) -> tuple[Verdict, float] | None:
    divergence = exam.tracker.divergence
    if not exam.is_lost or not (_is_plausible(exam) or divergence.has_lasted):
        return None
    if not shows(exam):
        return None
    return _lost(exam, divergence.since), LIKELY


def shows(exam: Examination) -> bool:
    """Whether a rate that is too high shows: in norms, or in how far the loss was thrown."""
    return not exam.is_bare or exam.fired("thrown")


def _is_plausible(exam: Examination) -> bool:
    """Whether too large steps are likely enough for the loss to be lost without more ado."""
    return exam.past.drive is not None and exam.probability["too_high"] >= PLAUSIBLE


def was_seen(exam: Examination) -> bool:
    """Whether a loss that is not finite, or is lost, is what the verdict rests on."""
    return _seen(exam) is not None or _lost_again(exam) is not None


def _by_rule_or_model(exam: Examination) -> tuple[Verdict, float]:
    return _by_few_rows(exam) if exam.is_short else _stalled(exam) or _judged(exam)


def _by_few_rows(exam: Examination) -> tuple[Verdict, float]:
    if exam.fired("rose"):
        return "diverging", ROSE
    return ("ok", FELL) if exam.fired("fell") else ("insufficient_data", 0.0)


def _lost(exam: Examination, step: int | None) -> Verdict:
    """Name what became of a loss that left at a step, by what led to it."""
    led = step is not None and exam.tracker.explosion.explains(step, exam.past.opening)
    return "exploding" if led else "diverging"


def _stalled(exam: Examination) -> tuple[Verdict, float] | None:
    if exam.fired("lr_cut"):
        return "stalled", LIKELY
    if exam.fired("dead") and exam.probability["too_high"] < VIOLENT:
        return "stalled", max(LEAST, 1 - exam.probability["ok"])
    return None


def _judged(exam: Examination) -> tuple[Verdict, float]:
    weighed = weigh(exam)
    likeliest = max(weighed, key=weighed.__getitem__)
    probability = weighed[likeliest]
    if probability < LEAST or is_unlike_any(exam):
        return "insufficient_data", 0.0
    if likeliest == "too_high":
        lost = exam.fired("drawdown") or exam.fired("no_progress")
        return ("diverging" if lost else "oscillating"), probability
    return _slow(exam, probability) if likeliest == "too_low" else (_fine(exam), probability)


def _slow(exam: Examination, probability: float) -> tuple[Verdict, float]:
    """Judge a run that looks too slow by what else is known of it."""
    if exam.earlier is not None:
        return ("diverging", REMEMBERED) if was_cut(exam) else ("insufficient_data", 0.0)
    if is_early(exam):
        return "insufficient_data", 0.0
    return "too_low", probability


def was_cut(exam: Examination) -> bool:
    """Whether the learning rate was cut since it was found too high."""
    return exam.earlier is not None and float(exam.past.lr[-1]) < CUT * exam.earlier.lr


def is_early(exam: Examination) -> bool:
    """Whether a run may look slow only because it has hardly begun."""
    planned = exam.total_steps or 0
    return in_warmup(exam.past) or exam.past.n_steps < BEGINNING * planned


def weigh(exam: Examination) -> dict[str, float]:
    """Return the probabilities after what is known beside the model.

    A loss that came down to nothing has no learning rate to complain of, and a loss that has
    settled on a floor is not crawling: both are worth more than what any feature says.
    """
    odds = dict(exam.probability)
    odds["ok"] *= OK_ODDS
    if exam.past.path is None:
        odds["too_low"] /= UNSEEN_ODDS
    if exam.fired("solved"):
        odds["ok"] += odds.pop("too_high") + odds.pop("too_low")
    elif exam.fired("settled"):
        odds["ok"] += odds.pop("too_low")
    total = sum(odds.values())
    return {name: value / total for name, value in odds.items()}


def _fine(exam: Examination) -> Verdict:
    if exam.fired("spike"):
        return "spike"
    return "converged" if exam.fired("flat") and not exam.fired("no_progress") else "ok"
