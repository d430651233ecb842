"""Whether lrwatch is sure that the rate of a trial is wrong, as the trial reports its losses."""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from lrwatch.comparing import Trial, same_but_rate_and_seed
from lrwatch.comparing.sibling_verdicts import judged_run, judged_together
from lrwatch.errors import InvalidArgument
from lrwatch.verdicts import Diagnosis

__all__ = ["ReportedTrial", "TrialJudge"]

WRONG: Final = ("too_high", "too_low")

PACE: Final = 1.2
"""A trial is looked at anew when it has so many times the rows of the last look."""

EARLY: Final = 1 / 3
"""Share of its steps before which a trial ends only for what it shows by itself, or where the
rate to try instead is `FAR` away: who leads at a tenth of the steps may be overtaken by a
neighbour. On digits good rates within a decade of the best one lagged up to a quarter of the
steps."""

FAR: Final = 10.0


@dataclass(slots=True)
class ReportedTrial:
    """What a trial has reported.

    Attributes
    ----------
    key
        Tells it from the others of the study.
    lr
        Its learning rate.
    settings
        Its other parameters: only trials that have the same ones are its siblings.
    losses
        Training loss by step.
    """

    key: Hashable
    lr: float
    settings: Mapping[str, Any] = field(default_factory=dict)
    losses: dict[int, float] = field(default_factory=dict)


class TrialJudge:
    """Judges trials of a study by their own curves and beside one another.

    Parameters
    ----------
    confidence
        How sure a verdict must be, between 0 and 1.
    total_steps
        Planned number of steps of a trial, where known: without it hardly any rate is too low.
    """

    def __init__(self, *, confidence: float = 0.9, total_steps: int | None = None) -> None:
        if not 0 < confidence <= 1:
            raise InvalidArgument(f"confidence must lie between 0 and 1, got {confidence!r}")
        self._confidence, self._total_steps = confidence, total_steps
        self._known: dict[Hashable, tuple[int, Trial, Diagnosis]] = {}
        self._looked: dict[Hashable, int] = {}

    def is_wrong(self, trial: ReportedTrial, others: Iterable[ReportedTrial]) -> bool:
        """Whether the rate of a trial is sure to be too high or too low."""
        n_rows = len(trial.losses)
        is_lost = n_rows > 0 and not math.isfinite(next(reversed(trial.losses.values())))
        if n_rows < PACE * self._looked.get(trial.key, 0) and not is_lost:
            return False
        self._looked[trial.key] = n_rows
        others = list(others)
        found = self.diagnosis(trial, others)
        if found.learning_rate not in WRONG or found.confidence < self._confidence:
            return False
        return self._is_late(trial, others) or self._is_plain(trial, found)

    def _is_late(self, trial: ReportedTrial, others: Iterable[ReportedTrial]) -> bool:
        planned = self._total_steps or max((_end(each) for each in others), default=0)
        return _end(trial) >= EARLY * planned > 0

    def _is_plain(self, trial: ReportedTrial, found: Diagnosis) -> bool:
        """Whether the beginning of a trial says enough."""
        _, alone = self._judged(trial)
        is_lost = alone.learning_rate == "too_high" and alone.confidence >= self._confidence
        instead = found.suggested_lr
        return is_lost or (instead is not None and not 1 / FAR < instead / trial.lr < FAR)

    def diagnosis(self, trial: ReportedTrial, others: Iterable[ReportedTrial]) -> Diagnosis:
        """Diagnose a trial beside the others of its settings."""
        same = same_but_rate_and_seed(trial.settings)
        siblings = [
            each
            for each in others
            if each.key != trial.key
            and len(each.losses)
            and same_but_rate_and_seed(each.settings) == same
        ]
        judged = [self._judged(each) for each in (trial, *siblings)]
        own = {found.key: diagnosis for found, diagnosis in judged}
        return judged_together([found for found, _ in judged], own)[str(trial.key)]

    def _judged(self, trial: ReportedTrial) -> tuple[Trial, Diagnosis]:
        n_rows = len(trial.losses)
        known = self._known.get(trial.key)
        if known is None or known[0] != n_rows:
            table = {
                "step": list(trial.losses),
                "loss": list(trial.losses.values()),
                "lr": [trial.lr] * n_rows,
            }
            known = (n_rows, *judged_run(str(trial.key), table, self._total_steps))
            self._known[trial.key] = known
        return known[1:]


def _end(trial: ReportedTrial) -> int:
    """Return how many steps a trial has come, by the numbers of its steps."""
    return max(trial.losses, default=-1) + 1
