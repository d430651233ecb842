"""What lrwatch says of a run: `Diagnosis`, the `Evidence` behind it, and an `Alarm`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from lrwatch.card import card
from lrwatch.formats import counted, number

__all__ = [
    "CLASSES",
    "SEVERITY",
    "Alarm",
    "Diagnosis",
    "Evidence",
    "LearningRate",
    "Outcome",
    "Verdict",
]

Verdict = Literal[
    "diverging",
    "exploding",
    "oscillating",
    "too_low",
    "stalled",
    "insufficient_data",
    "spike",
    "converged",
    "ok",
]
"""The words a run is judged by, worst first."""

LearningRate = Literal["too_high", "ok", "too_low", "unknown"]

CLASSES: Final[dict[Verdict, LearningRate]] = {
    "diverging": "too_high",
    "exploding": "too_high",
    "oscillating": "too_high",
    "too_low": "too_low",
    "stalled": "too_low",
    "insufficient_data": "unknown",
    "spike": "ok",
    "converged": "ok",
    "ok": "ok",
}
"""What each verdict says of the learning rate, the worst verdict first."""

_TRIAGE: Final = (
    *(verdict for verdict, rate in CLASSES.items() if rate in ("too_high", "too_low")),
    *("unreadable", "insufficient_data", "judging"),
    *(verdict for verdict, rate in CLASSES.items() if rate == "ok"),
)

SEVERITY: Final[Mapping[str, int]] = {word: rank for rank, word in enumerate(_TRIAGE)}
"""The order of triage: 0 is the worst. Besides the verdicts it has two words for a run without
one: ``unreadable``, and ``judging`` while it is being read."""

Outcome = Literal["fired", "quiet", "not run"]
"""What came of a test."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """One test: its statistic beside its threshold, or why it could not run.

    Attributes
    ----------
    name
        Stable code of the test, as in docs/detectors.md.
    value, threshold
        The statistic and the value at which the test fires; ``None`` where it could not run.
    fired
        Whether the statistic crossed its threshold.
    interval
        First and last step that the statistic looked at.
    note
        The statistic in words, or why the test could not run.
    speaks
        What it means for the run that the test fired: it speaks ``against`` it, ``for`` it
        (``settled``, ``solved``), or for ``neither`` (``flat``, ``spike``, ``range_test``).
    """

    name: str
    value: float | None = None
    threshold: float | None = None
    fired: bool = False
    interval: tuple[int, int] | None = None
    note: str = ""
    speaks: Literal["against", "for", "neither"] = "against"

    @property
    def outcome(self) -> Outcome:
        """Whether the test fired, stayed quiet, or could not run."""
        if self.fired:
            return "fired"
        return "not run" if self.value is None else "quiet"


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """A verdict on one run, with what it rests on and what to try next.

    Attributes
    ----------
    verdict
        One of `Verdict`.
    learning_rate
        ``too_high``, ``ok``, ``too_low`` or ``unknown``.
    confidence
        Between 0 and 1.
    first_alarm_step
        Step at which somebody watching live would first have been alarmed.
    interval
        First and last step to which the evidence points.
    reason
        One sentence, numbers first.
    evidence
        Every test, those included that could not run.
    advice
        What to try next; empty where there is nothing to do.
    suggested_lr
        Peak learning rate to try next.
    n_steps
        Steps that were looked at.
    """

    verdict: Verdict
    learning_rate: LearningRate
    confidence: float
    first_alarm_step: int | None
    interval: tuple[int, int] | None
    reason: str
    evidence: list[Evidence]
    advice: str
    suggested_lr: float | None
    n_steps: int

    def _repr_html_(self) -> str:
        facts = [counted(self.n_steps, "step")]
        if self.learning_rate in ("too_high", "too_low"):
            facts.append(f"confidence {number(self.confidence, 2)}")
        return card(
            self.verdict,
            self.reason,
            advice=self.advice,
            suggested_lr=self.suggested_lr,
            facts=facts,
        )


@dataclass(frozen=True, slots=True)
class Alarm:
    """A run was found to be going wrong, at the step at which that could first be said.

    Attributes
    ----------
    step
        Step at which the alarm was raised.
    verdict, learning_rate, confidence, interval, reason, advice, suggested_lr
        As in `Diagnosis`, at that step.
    """

    step: int
    verdict: Verdict
    learning_rate: LearningRate
    confidence: float
    interval: tuple[int, int] | None
    reason: str
    advice: str
    suggested_lr: float | None
