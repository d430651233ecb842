"""From a run's statistics to its diagnosis: examine, decide, explain, advise."""

from __future__ import annotations

import math
from functools import cached_property
from typing import Final

from lrwatch.detect.tracker import Tracker
from lrwatch.diagnosis.advice import advice, suggest
from lrwatch.diagnosis.examination import Examination, TooHigh
from lrwatch.diagnosis.horizon import is_in_sight
from lrwatch.diagnosis.reason import reason
from lrwatch.diagnosis.verdict import RESTS_ON, decide, shows, was_seen
from lrwatch.verdicts import CLASSES, Alarm, Diagnosis

__all__ = ["Finding"]

LEAST_ROWS: Final = 24
"""Rows with a loss below which nothing is said of the learning rate."""


class Finding:
    """What is found of a run at one moment; what explains it is worked out when asked for.

    Attributes
    ----------
    verdict, learning_rate, confidence, n_steps
        As in `Diagnosis`.
    """

    def __init__(
        self,
        tracker: Tracker,
        *,
        total_steps: int | None = None,
        earlier: TooHigh | None = None,
    ) -> None:
        self._exam = Examination(
            tracker, least_rows=LEAST_ROWS, total_steps=total_steps, earlier=earlier
        )
        self.verdict, self.confidence = decide(self._exam)
        self.learning_rate = CLASSES[self.verdict]
        self.n_steps = tracker.n_rows

    def too_high(self, step: int) -> TooHigh | None:
        """Return what a later look at the run has to know, if this is a rate too high."""
        if self.learning_rate != "too_high":
            return None
        rates = self._exam.past.lr
        return TooHigh(step, float(rates[-1]) if len(rates) else math.nan)

    @property
    def was_seen(self) -> bool:
        """Whether the verdict was seen to come true: no second look is needed."""
        return was_seen(self._exam)

    @property
    def shows(self) -> bool:
        """Whether a rate that is too high shows, and is not merely likely."""
        return shows(self._exam)

    @property
    def end_is_in_sight(self) -> bool:
        """Whether too slow can be told from not there yet."""
        return is_in_sight(self._exam)

    def alarm(self, step: int) -> Alarm:
        """Return the alarm for it."""
        return Alarm(
            step=step,
            verdict=self.verdict,
            learning_rate=self.learning_rate,
            confidence=self.confidence,
            interval=self._interval,
            reason=reason(self.verdict, self._exam),
            advice=self._advice,
            suggested_lr=self._suggested_lr,
        )

    def diagnosis(self, *, first_alarm_step: int | None) -> Diagnosis:
        """Return the diagnosis, with all evidence."""
        return Diagnosis(
            verdict=self.verdict,
            learning_rate=self.learning_rate,
            confidence=self.confidence,
            first_alarm_step=first_alarm_step,
            interval=self._interval,
            reason=reason(self.verdict, self._exam),
            evidence=list(self._exam.evidence.values()),
            advice=self._advice,
            suggested_lr=self._suggested_lr,
            n_steps=self.n_steps,
        )

    @cached_property
    def _suggested_lr(self) -> float | None:
        return suggest(self.verdict, self._exam, self.confidence)

    @property
    def _advice(self) -> str:
        return advice(self.verdict, self._exam, self._suggested_lr)

    @property
    def _interval(self) -> tuple[int, int] | None:
        """Steps of the test that the verdict rests on, or the whole run."""
        for name in RESTS_ON.get(self.verdict, ()):
            if self._exam.fired(name):
                return self._exam.result(name).interval
        return self._exam.past.interval
