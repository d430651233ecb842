"""What runs with the same trouble have in common, that the others do not have."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

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
    rates = [np.array([trial.lr for trial in of]) for of in (flagged, others)]
    is_above = trouble == "too_high"
    is_beyond, sign = (np.greater_equal, ">=") if is_above else (np.less_equal, "<=")
    grounds = []
    for bound in sorted({t.lr for t in flagged if 0 < t.lr < math.inf}):
        n_flagged, n_others = (int(is_beyond(lr, bound).sum()) for lr in rates)
        what = f"learning rate {sign} {number(bound, 3)}"
        grounds.append(CommonGround(trouble, what, n_flagged, len(flagged), n_others, len(others)))
    if grounds:
        best = max(grounds, key=lambda ground: ground.difference)
        if best.difference >= LEAST_DIFFERENCE:
            yield best


def _settings(
    trouble: LearningRate, flagged: Sequence[Trial], others: Sequence[Trial]
) -> Iterator[CommonGround]:
    seen = {(name, _text(value)) for trial in flagged for name, value in trial.settings.items()}
    counts = {
        name: [Counter(_text(trial.settings.get(name)) for trial in of) for of in (flagged, others)]
        for name in {name for name, _ in seen}
    }
    for name, value in sorted(seen):
        n_flagged, n_others = (count[value] for count in counts[name])
        if n_flagged < FEWEST_RUNS:
            continue
        what = f"{name} = {value}"
        ground = CommonGround(trouble, what, n_flagged, len(flagged), n_others, len(others))
        if ground.difference >= LEAST_DIFFERENCE:
            yield ground


def _text(value: Any) -> str:
    return number(value, 3) if isinstance(value, float) else str(value)
