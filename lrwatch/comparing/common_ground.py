"""What runs with the same trouble have in common, that the others do not have."""

from __future__ import annotations

import math
import operator
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from lrwatch.comparing.sweeps import Trial
from lrwatch.formats import number
from lrwatch.verdicts import CLASSES, LearningRate

__all__ = ["CommonGround", "common_ground"]

FEWEST_RUNS: Final = 3
"""Fewer runs with a trouble have too much in common by chance."""

LEAST_DIFFERENCE: Final = 0.5
"""By how much more often the runs in trouble must have it than the others."""


@dataclass(frozen=True, slots=True)
class CommonGround:
    """One thing that sets the runs with a trouble apart.

    Attributes
    ----------
    learning_rate
        The trouble: ``too_high`` or ``too_low``.
    setting
        The setting, or ``learning rate``, with the values that count: ``depth = 12``,
        ``learning rate >= 0.3``.
    n_flagged, of_flagged
        How many of the runs with the trouble have it, and how many there are.
    n_others, of_others
        The same of all other runs that could be judged.
    """

    learning_rate: LearningRate
    setting: str
    n_flagged: int
    of_flagged: int
    n_others: int
    of_others: int

    def __str__(self) -> str:
        """Say it in one line, numbers included."""
        trouble = self.learning_rate.replace("_", " ")
        return (
            f"{self.setting} in {self.n_flagged} of {self.of_flagged} runs {trouble}, "
            f"and in {self.n_others} of {self.of_others} others"
        )

    @property
    def difference(self) -> float:
        """Share of the runs with the trouble that have it, less the share of the others."""
        return self.n_flagged / self.of_flagged - self.n_others / self.of_others


def common_ground(trials: Sequence[Trial]) -> list[CommonGround]:
    """Say what sets flagged runs apart, the most telling first.

    Parameters
    ----------
    trials
        Runs with their verdicts; those that could not be judged are left out.
    """
    judged = [trial for trial in trials if _class_of(trial) not in (None, "unknown")]
    found: list[CommonGround] = []
    for trouble in ("too_high", "too_low"):
        flagged = [trial for trial in judged if _class_of(trial) == trouble]
        others = [trial for trial in judged if _class_of(trial) != trouble]
        if len(flagged) >= FEWEST_RUNS and others:
            found += _best_rate_bound(trouble, flagged, others)
            found += _settings(trouble, flagged, others)
    return sorted(found, key=lambda ground: -ground.difference)


def _class_of(trial: Trial) -> LearningRate | None:
    return CLASSES.get(trial.verdict)  # type: ignore[call-overload, no-any-return]


def _best_rate_bound(
    trouble: LearningRate, flagged: Sequence[Trial], others: Sequence[Trial]
) -> Iterator[CommonGround]:
    """Find the bound on the learning rate that tells the two best apart."""
    rates = sorted({t.lr for t in flagged if 0 < t.lr < math.inf})
    is_above = trouble == "too_high"
    is_beyond = operator.ge if is_above else operator.le
    grounds = [
        _ground(
            trouble,
            f"learning rate {'>=' if is_above else '<='} {number(bound, 3)}",
            [is_beyond(t.lr, bound) for t in flagged],
            [is_beyond(t.lr, bound) for t in others],
        )
        for bound in rates
    ]
    if grounds:
        best = max(grounds, key=lambda ground: ground.difference)
        if best.difference >= LEAST_DIFFERENCE:
            yield best


def _settings(
    trouble: LearningRate, flagged: Sequence[Trial], others: Sequence[Trial]
) -> Iterator[CommonGround]:
    seen = {(name, _text(value)) for trial in flagged for name, value in trial.settings.items()}
    for name, value in sorted(seen):
        has = [[_text(t.settings.get(name)) == value for t in of] for of in (flagged, others)]
        ground = _ground(trouble, f"{name} = {value}", *has)
        if ground.n_flagged >= FEWEST_RUNS and ground.difference >= LEAST_DIFFERENCE:
            yield ground


def _ground(
    trouble: LearningRate, setting: str, flagged: Sequence[bool], others: Sequence[bool]
) -> CommonGround:
    """Count who has it, of the runs with the trouble and of the others."""
    return CommonGround(trouble, setting, sum(flagged), len(flagged), sum(others), len(others))


def _text(value: Any) -> str:
    return number(value, 3) if isinstance(value, float) else str(value)
