"""When to raise an alarm: at once for what was seen, at the second look for what was inferred."""

from __future__ import annotations

from typing import Final

from lrwatch.diagnosis.diagnosis import Alarm, Diagnosis

__all__ = ["AlarmPolicy"]

CONFIDENT: Final = 0.93
"""Confidence that an inferred verdict needs, at two looks running."""

LOOKS: Final = 2

SETTLED: Final = 60
"""Rows before which nothing inferred is alarmed."""


class AlarmPolicy:
    """One alarm an episode: a run is alarmed again only after it was well, or got worse.

    Attributes
    ----------
    first_step
        Step of the first alarm; ``None`` while there was none.
    """

    def __init__(self) -> None:
        self.first_step: int | None = None
        self._raised: str | None = None  # class of learning rate of the episode
        self._agreeing = 0
        self._class = ""

    def consider(self, diagnosis: Diagnosis, step: int, *, is_urgent: bool) -> Alarm | None:
        """Return an alarm if there is reason for one now."""
        kind = diagnosis.learning_rate
        flagged = kind in ("too_high", "too_low")
        sure = flagged and diagnosis.confidence >= CONFIDENT and diagnosis.n_steps >= SETTLED
        self._agreeing = self._agreeing + 1 if kind == self._class else 1
        self._class = kind
        if kind == "ok" and self._agreeing >= LOOKS:
            self._raised = None
        due = (is_urgent and flagged) or (sure and self._agreeing >= LOOKS)
        if not due or self._raised == kind:
            return None
        self._raised = kind
        self.first_step = step if self.first_step is None else self.first_step
        return Alarm(
            step=step,
            verdict=diagnosis.verdict,
            learning_rate=kind,
            confidence=diagnosis.confidence,
            interval=diagnosis.interval,
            reason=diagnosis.reason,
            advice=diagnosis.advice,
            suggested_lr=diagnosis.suggested_lr,
        )
