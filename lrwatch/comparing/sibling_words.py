"""What is said of a run beside its siblings: evidence, reason, advice."""

from __future__ import annotations

import math
from typing import Final

from lrwatch.comparing.joining import BEHIND, TOO_HIGH, TOO_LOW
from lrwatch.comparing.standing import AS_FAR, SAME_RATE, Rival, Standing, decades
from lrwatch.formats import count, number
from lrwatch.verdicts import Diagnosis, Evidence, LearningRate

__all__ = ["APART", "advice", "evidence", "reason"]

NAME: Final = "siblings"

APART: Final = Evidence(
    NAME, note="a run of this job shows that its loss is no objective: none are compared by it"
)
"""The test of the siblings where it could not run for what the loss is."""

MOST_DIGITS: Final = 7
"""Digits with which losses are written that are the same with fewer: no more are in a float32."""

_OVER: Final = frozenset({"finished", "failed", "interrupted"})
_WORDS: Final = {"too_high": "too high", "too_low": "too low"}


def evidence(standing: Standing | None, kind: LearningRate) -> Evidence:
    """Return the test of the siblings, with the one that counts most."""
    if standing is None:
        return Evidence(NAME, note="no other run of this job has a learning rate")
    rival = standing.nearest
    if rival is None:
        return Evidence(NAME, note="no run at another rate has 24 steps in common with this one")
    is_lower = rival.lr < standing.trial.lr
    return Evidence(
        NAME,
        value=rival.deficit,
        threshold=TOO_HIGH if is_lower else TOO_LOW,
        fired=kind == ("too_high" if is_lower else "too_low") and rival.deficit > 0,
        interval=(standing.trial.summary.first_step or 0, rival.step),
        note=_note(standing, rival),
    )


def _note(standing: Standing, rival: Rival) -> str:
    n_rates = standing.n_rates
    rates = f"{n_rates} other rate{'s' * (n_rates > 1)} compared"
    if math.isinf(rival.theirs):
        return f"no other rate kept a finite loss; {rates}"
    if math.isinf(rival.mine):
        how = f"{rival.name} is at {_n(rival.theirs)} at step {rival.step}, where this run broke"
        return f"{how}, with a rate of {_n(rival.lr)}; {rates}"
    if rival.deficit <= 0:
        how = f"{rival.name} comes nearest, {_n(rival.theirs)} beside {_n(rival.mine)}"
    else:
        share = f"{min(rival.deficit, 1.0):.0%}".replace("%", " %")
        way = "lower" if rival.lr < standing.trial.lr else "higher"
        how = (
            f"{rival.name} is {_n(rival.mine - rival.theirs)} lower, {share} of its progress, "
            f"at a {way} rate of {_n(rival.lr)}"
        )
    return f"{how}, at step {rival.step}; {rates}"


def reason(standing: Standing, kind: LearningRate, own: Diagnosis) -> str:
    """Return the sentence; the run's own one where the siblings have nothing to add."""
    rival = standing.nearest
    if rival is None or math.isinf(rival.mine):
        return own.reason
    if kind in _WORDS:
        is_their_word = rival.deficit > 0 and (rival.lr < standing.trial.lr) == (kind == "too_high")
        return _behind(standing, rival) if is_their_word else own.reason
    if kind == "unknown":
        return _undecided(own, rival)
    if own.learning_rate == "ok":
        return own.reason
    return _fine(standing, rival)


def _behind(standing: Standing, rival: Rival) -> str:
    mine, theirs = _apart(rival.mine, rival.theirs)
    at, verb, after = _compared(standing, rival, mine)
    return f"{at} where {rival.name} {verb} at {theirs} {after}, with a rate of {_n(rival.lr)}"


def _fine(standing: Standing, rival: Rival) -> str:
    mine, verb, after = _compared(standing, rival, _n(rival.mine))
    if rival.deficit <= 0:
        rates = standing.n_rates
        others = "the one other rate" if rates == 1 else f"each of {rates} other rates"
        return f"{mine}, lower than {others} {after}"
    best = f"{rival.name} {verb} at {_n(rival.theirs)} {after}"
    if rival.deficit < BEHIND:
        return f"{mine}, about as low as the best: {best}"
    return f"{mine} where {best}: too small a gap to call the rate wrong"


def _undecided(own: Diagnosis, rival: Rival) -> str:
    if own.learning_rate not in _WORDS:
        return own.reason
    word = _WORDS[own.learning_rate]
    return (
        f"The curve by itself looks like a rate that is {word}, and beside "
        f"{rival.name}, at {_n(rival.theirs)}, that cannot be told"
    )


def _compared(standing: Standing, rival: Rival, mine: str) -> tuple[str, str, str]:
    """Return where the run is, the verb that fits, and after how many steps."""
    if rival.n_steps < AS_FAR * standing.trial.summary.n_steps:
        after = f"after {count(rival.n_steps)} steps, as far as both went"
        return f"Loss was at {mine}", "was", after
    ends = "ends" if standing.trial.state in _OVER else "is"
    return f"Loss {ends} at {mine}", "is", "after as many steps"


def _apart(mine: float, theirs: float) -> tuple[str, str]:
    """Write two losses with so many digits that they differ."""
    written = (number(mine, 3), number(theirs, 3))
    for digits in range(4, MOST_DIGITS + 1):
        if written[0] != written[1]:
            break
        written = (number(mine, digits), number(theirs, digits))
    return written


def advice(standing: Standing, suggested_lr: float | None) -> str:
    """Say which rate to try, or to take, if there is one to name."""
    if suggested_lr is None:
        return ""
    tried = [lr for lr, _ in standing.tried if decades(lr, suggested_lr) < SAME_RATE]
    instead = f"instead of {_n(standing.trial.lr)}"
    if tried:
        lr = min(tried, key=lambda lr: decades(lr, suggested_lr))
        return f"Take a peak learning rate of {_n(lr)}, the best that was tried, {instead}"
    return f"Try a peak learning rate of {_n(suggested_lr)} {instead}"


def _n(value: float) -> str:
    return number(value, 3)
