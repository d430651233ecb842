"""The rate to try next for one job: from a sweep of it, a range test, one run, or other sizes.

What was measured on the job itself comes first: runs at several rates, then a run that is right,
a range test, and a run that is wrong. Other sizes of the model speak only where the job does not.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal

import numpy as np

from lrwatch.comparing.next_rate import (
    HALF_DECADE,
    first_step,
    next_rate,
    outward,
    within,
    worse,
)
from lrwatch.comparing.range_reading import RangeReading
from lrwatch.comparing.sibling_verdicts import SURE, judged_together, shows_no_objective
from lrwatch.comparing.standing import SAME_RATE, Siblings, Standing, decades
from lrwatch.comparing.sweeps import Trial
from lrwatch.formats import count, counted, number
from lrwatch.verdicts import Diagnosis, LearningRate

__all__ = ["Basis", "Job", "Suggestion", "from_other_sizes", "suggested"]

Basis = Literal["sweep", "range test", "run", "other sizes", "nothing"]
"""What a suggestion rests on."""

_STEP: Final = 10**HALF_DECADE
"""Factor to the next rate that is worth a run, and how far the right one may be."""

_STEEPEST: Final = 1.0
"""Decades of the rate per decade of parameters that other sizes may speak for."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A learning rate to try next, its range, and why.

    Attributes
    ----------
    lr
        Peak learning rate to try, or to take; ``None`` where what was seen says too little.
    low, high
        Rates between which the best one lies, as far as can be told; ``None`` as well.
    reason
        One sentence, numbers first.
    advice
        What to run next.
    runs
        Names of the runs that it rests on.
    basis
        ``sweep``, ``range test``, ``run``, ``other sizes`` or ``nothing``.
    settings
        What the runs of the job have in common.
    next_lr
        Rate to run if there is time for one more run: `lr` where that was not tried, otherwise one
        that tells whether another is better; ``None`` where nothing is left to find, or no loss
        would tell.
    """

    lr: float | None
    low: float | None
    high: float | None
    reason: str
    advice: str
    runs: tuple[str, ...] = ()
    basis: Basis = "nothing"
    settings: Mapping[str, Any] = field(default_factory=dict)
    next_lr: float | None = None


@dataclass(frozen=True, slots=True)
class Job:
    """All that was seen of one job.

    Attributes
    ----------
    trials
        Its runs at one rate each.
    own
        The verdict on each by itself, by key.
    tests
        Its range tests, by key.
    settings
        What its runs have in common.
    together
        The verdict on each beside the others, where that is known already.
    """

    trials: Sequence[Trial]
    own: Mapping[str, Diagnosis]
    tests: Mapping[str, RangeReading]
    settings: Mapping[str, Any]
    together: Mapping[str, Diagnosis] | None = None


def suggested(job: Job) -> Suggestion:
    """Return the rate to try next, from what was seen of the job itself."""
    if (run := _aimless(job)) is not None:
        return replace(_of_no_objective(job, run), settings=job.settings)
    siblings = Siblings(job.trials)
    compared = [
        standing for trial in siblings.trials if (standing := siblings.standing(trial)).n_rates
    ]
    found = _of_sweep(job, compared) or _of_right_run(job) or _of_tests(job) or _of_wrong_run(job)
    return replace(found or _nothing(job), settings=job.settings)


def _of_sweep(job: Job, compared: Sequence[Standing]) -> Suggestion | None:
    leaders = [s for s in compared if s.best is None and not s.trial.has_broken]
    if not leaders:
        return None
    best = max(leaders, key=lambda standing: standing.trial.summary.n_steps)
    found = (job.together or judged_together(job.trials, job.own))[best.trial.key]
    lr = _next(best, compared, found)
    further = _round(outward(best, job.own[best.trial.key]))
    is_open = not (best.lower and best.higher)  # else the best lies among what was tried
    is_new = decades(lr, best.trial.lr) >= SAME_RATE
    if is_open and is_new and not _is_away(further, best, found):
        lr = further
    elif not is_new:
        lr = best.trial.lr
    low, high = _range(best, lr, found.learning_rate)
    ceiling = min((t.diverges for t in job.tests.values() if t.diverges is not None), default=None)
    if ceiling is not None and best.trial.lr < ceiling:
        most = _middle(best.trial.lr, ceiling)
        lr, further, high = min(lr, most), min(further, _round(most)), min(high, ceiling)
    next_lr: float | None = _exact(lr)
    if decades(lr, best.trial.lr) >= SAME_RATE:
        advice = f"Run {_n(lr)} for as many steps"
    elif is_open:
        next_lr = further
        advice = f"Take {_n(lr)}, or see whether {_n(further)} gets further"
    else:
        middle = within(best)
        next_lr = None if middle is None else _round(middle)
        advice = f"Take {_n(lr)}: nothing that was tried on either side gets further"
    runs = tuple(standing.trial.key for standing in compared)
    reason = _of_rates(best, found.learning_rate, found.confidence)
    return Suggestion(
        _exact(lr), _round(low), _round(high), reason, advice, runs, "sweep", next_lr=next_lr
    )


def _is_away(lr: float, best: Standing, found: Diagnosis) -> bool:
    """Whether a rate lies on the side that the sure verdict on the best one speaks against."""
    against: LearningRate = "too_low" if lr < best.trial.lr else "too_high"
    return found.learning_rate == against and found.confidence >= SURE


def _next(best: Standing, compared: Sequence[Standing], found: Diagnosis) -> float:
    """Return what the rule of sweeps says, asked as the run next to the best one would ask it."""
    if found.suggested_lr is not None:
        return found.suggested_lr
    neighbour = (best.lower or best.higher)[0]
    asking = next(standing for standing in compared if standing.trial.key == neighbour.key)
    if asking.best is None or decades(asking.best.lr, best.trial.lr) >= SAME_RATE:
        return best.trial.lr
    way: LearningRate = "too_low" if neighbour.lr < best.trial.lr else "too_high"
    of_best = found.learning_rate if found.confidence >= SURE else "unknown"
    if of_best == "ok" and not best.higher:
        # A curve shows that its rate is too high, and not that a higher one would get further.
        of_best = "too_low"
    return next_rate(asking, way, None, of_best) or best.trial.lr


def _range(best: Standing, lr: float, kind: LearningRate) -> tuple[float, float]:
    """Return between which rates the best one lies."""
    own = best.trial.lr
    below = [rival.lr for rival in worse(best.lower)]
    above = [rival.lr for rival in worse(best.higher)]
    low = _middle(below[0], min(lr, own)) if below else min(lr, own) / _STEP
    high = _middle(max(lr, own), above[0]) if above else max(lr, own) * _STEP
    if kind == "too_low" and lr > own:
        low = max(low, own)  # it got furthest, and is too low all the same
    elif kind == "too_high" and lr < own:
        high = min(high, own)
    return low, high


def _of_rates(best: Standing, kind: LearningRate, confidence: float) -> str:
    end = best.trial.summary.losses.loss_at()
    rates = f"{_n(best.trial.lr)} got furthest of {counted(best.n_rates + 1, 'rate')}"
    steps = counted(best.trial.summary.n_steps, "step")
    said = f"{rates}, to a loss of {_n(end)} after {steps}"
    if kind in ("too_high", "too_low") and confidence >= SURE:
        return f"{said}, and its own curve still looks {kind.replace('_', ' ')}"
    if not best.higher:
        return f"{said}, and is the highest that was tried"
    if not best.lower:
        return f"{said}, and is the lowest that was tried"
    nearest = f"{_n(best.lower[0].lr)} and {_n(best.higher[0].lr)}"
    return f"{said}; the next rates, {nearest}, get no further"


def _of_right_run(job: Job) -> Suggestion | None:
    run = _told(job)
    if run is None or job.own[run.key].learning_rate != "ok":
        return None
    low, high = run.lr / _STEP, run.lr * _STEP
    reason = f"{_n(run.lr)} is the one rate that was tried, and looks right: {_why(job, run)}"
    next_lr = _round(first_step(run.lr, job.own[run.key]))
    advice = f"Take {_n(run.lr)}, or run {_n(next_lr)}, three times higher, for as many steps"
    return Suggestion(
        _exact(run.lr), _round(low), _round(high), reason, advice, (run.key,), "run",
        next_lr=next_lr,
    )  # fmt: skip


def _of_tests(job: Job) -> Suggestion | None:
    told = {key: test for key, test in job.tests.items() if test.lr is not None}
    if not told:
        return None
    key = sorted(told, key=lambda key: told[key].lr or 0.0)[len(told) // 2]
    test = told[key]
    again = f"; {counted(len(told), 'test')} in all" if len(told) > 1 else ""
    advice = f"Run {_n(test.lr)}; a range test is short, so a run at that rate tells more"
    reason = f"{test.reason}{again}"
    return Suggestion(
        test.lr, test.low, test.high, reason, advice, tuple(told), "range test", next_lr=test.lr
    )


def _of_wrong_run(job: Job) -> Suggestion | None:
    run = _told(job)
    if run is None or (lr := job.own[run.key].suggested_lr) is None:
        return None
    is_lower = lr < run.lr
    low, high = lr / _STEP, lr * _STEP
    low, high = (low, min(high, run.lr)) if is_lower else (max(low, run.lr), high)
    return Suggestion(
        lr, _round(low), _round(high), f"{_n(run.lr)} is too {'high' if is_lower else 'low'}: "
        f"{_why(job, run)}", f"Run {_n(lr)} for as many steps", (run.key,), "run", next_lr=lr,
    )  # fmt: skip


def _nothing(job: Job) -> Suggestion:
    run, next_lr = _told(job), None
    if run is not None:
        reason = f"Cannot tell yet from one rate, {_n(run.lr)}: {_why(job, run)}"
        next_lr = _round(first_step(run.lr, job.own[run.key]))
        way = "higher" if next_lr > run.lr else "lower"
        advice = f"Run {_n(next_lr)}, ten times {way}, for as many steps, and compare"
    elif job.tests:
        why = next(iter(job.tests.values())).reason
        reason = f"Cannot tell yet: {why[:1].lower()}{why[1:]}"
        advice = "Run lrwatch.range_test again, from lower to higher rates"
    else:
        reason = "Cannot tell yet: no run with a learning rate and a loss was seen"
        advice = "Run lrwatch.range_test, or two rates a factor of three apart"
    runs = tuple(trial.key for trial in job.trials) or tuple(job.tests)
    return Suggestion(None, None, None, reason, advice, runs, next_lr=next_lr)


def from_other_sizes(
    unsure: Suggestion, n_parameters: float, sizes: Sequence[tuple[float, Suggestion]]
) -> Suggestion:
    """Return what other sizes of a model suggest for one of which too little is known.

    Parameters
    ----------
    unsure
        What the job itself says.
    n_parameters
        Its number of parameters.
    sizes
        The number of parameters of each other size, and the suggestion for it.
    """
    x = np.log10([n for n, _ in sizes])
    y = np.log10([found.lr for _, found in sizes if found.lr is not None])
    nearest = int(np.argmin(np.abs(x - math.log10(n_parameters))))
    slope = float(np.polyfit(x, y, 1)[0]) if np.ptp(x) > 0 else 0.0
    slope = min(max(slope, -_STEEPEST), _STEEPEST)
    lr = float(10 ** (y[nearest] + slope * (math.log10(n_parameters) - x[nearest])))
    seen = " and ".join(f"{_n(found.lr)} for {count(int(n))} parameters" for n, found in sizes[:3])
    return replace(
        unsure,
        lr=_round(lr),
        next_lr=_round(lr),
        low=_round(lr / _STEP),
        high=_round(lr * _STEP),
        reason=f"Other sizes of this model: {seen}; this one has {count(int(n_parameters))}",
        advice=f"Run {_n(_round(lr))}, and {_n(_round(lr / 3))} beside it",
        runs=tuple(run for _, found in sizes for run in found.runs),
        basis="other sizes",
    )


def _aimless(job: Job) -> Trial | None:
    """Return a run by which the loss of the job is no objective, as in a GAN."""
    return next((trial for trial in job.trials if shows_no_objective(job.own[trial.key])), None)


def _of_no_objective(job: Job, run: Trial) -> Suggestion:
    advice = (
        "Compare runs by what they are for, such as a reward or a score: log it, and the Sweep "
        "page draws it over the rate"
    )
    runs = tuple(trial.key for trial in job.trials)
    return Suggestion(None, None, None, f"Cannot tell: {_why(job, run)}", advice, runs)


def _told(job: Job) -> Trial | None:
    """Return the run that made the most steps; the one at the lowest rate, if all broke."""
    known = [trial for trial in job.trials if 0 < trial.lr < math.inf]
    whole = [trial for trial in known if not trial.has_broken]
    if not whole:
        return min(known, key=lambda trial: trial.lr, default=None)
    return max(whole, key=lambda trial: trial.summary.n_steps)


def _why(job: Job, run: Trial) -> str:
    reason = job.own[run.key].reason
    return f"{reason[:1].lower()}{reason[1:]}" if reason else "nothing more is known"


def _middle(lr: float, other: float) -> float:
    return math.sqrt(lr * other)


def _exact(lr: float) -> float:
    """Return a rate that was tried without the last digits of its arithmetic."""
    return float(f"{lr:.4g}")


def _round(lr: float) -> float:
    return float(f"{lr:.1e}")


def _n(value: float | None) -> str:
    return number(value, 3)
