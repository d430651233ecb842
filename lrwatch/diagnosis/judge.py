"""From a run's statistics to its diagnosis: examine, decide, explain, advise."""

from __future__ import annotations

from typing import Final

from lrwatch.detect.tracker import Tracker
from lrwatch.diagnosis.advice import advice, suggest
from lrwatch.diagnosis.diagnosis import CLASSES, Diagnosis
from lrwatch.diagnosis.examination import Examination, examine
from lrwatch.diagnosis.reason import reason
from lrwatch.diagnosis.verdict import decide

__all__ = ["judge"]

LEAST_ROWS: Final = 24
"""Rows with a loss below which nothing is said of the learning rate."""


def judge(
    tracker: Tracker, *, first_alarm_step: int | None = None, total_steps: int | None = None
) -> Diagnosis:
    """Diagnose a run from everything that is known of it."""
    exam = examine(tracker, least_rows=LEAST_ROWS, total_steps=total_steps)
    verdict, confidence = decide(exam)
    suggested_lr = suggest(verdict, exam)
    return Diagnosis(
        verdict=verdict,
        learning_rate=CLASSES[verdict],
        confidence=confidence,
        first_alarm_step=first_alarm_step,
        interval=_interval(exam),
        reason=reason(verdict, exam),
        evidence=list(exam.evidence.values()),
        advice=advice(verdict, exam, suggested_lr),
        suggested_lr=suggested_lr,
        n_steps=tracker.n_rows,
    )


def _interval(exam: Examination) -> tuple[int, int] | None:
    """Return the steps of the narrowest test that fired, or the whole run."""
    for name in ("nonfinite", "lr_cut", "drawdown", "spike"):
        if exam.fired(name):
            return exam.evidence[name].interval
    return exam.past.interval
