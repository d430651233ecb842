"""When to raise an alarm: at once for what was seen, at the second look for what was inferred."""

from __future__ import annotations

from typing import Final, Protocol

from lrwatch.verdicts import LearningRate

__all__ = ["AlarmPolicy", "Judged"]

CONFIDENT: Final = 0.93
"""Confidence that an inferred verdict needs, at two looks running."""

LOOKS: Final = 2

SETTLED: Final = 60
"""Rows before which nothing inferred is alarmed."""


class Judged(Protocol):
    """What the policy has to know of a verdict."""

    @property
    def learning_rate(self) -> LearningRate: ...  # noqa: D102
    @property
    def confidence(self) -> float: ...  # noqa: D102
    @property
    def n_steps(self) -> int: ...  # noqa: D102
    @property
    def was_seen(self) -> bool: ...  # noqa: D102
    @property
    def shows(self) -> bool: ...  # noqa: D102
    @property
    def end_is_in_sight(self) -> bool: ...  # noqa: D102


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

    @property
    def standing(self) -> str | None:
        """Class of learning rate that an alarm was raised for and that was not taken back."""
        return self._raised

    def is_due(self, judged: Judged, step: int, *, is_urgent: bool) -> bool:
        """Record a verdict; return whether there is reason for an alarm now."""
        kind = judged.learning_rate
        flagged = kind in ("too_high", "too_low")
        sure = flagged and judged.confidence >= CONFIDENT and judged.n_steps >= SETTLED
        if sure:
            sure = judged.end_is_in_sight if kind == "too_low" else judged.shows
        self._agreeing = self._agreeing + 1 if kind == self._class else 1
        self._class = kind
        if kind == "ok" and self._agreeing >= LOOKS:
            self._raised = None
        due = (is_urgent and flagged and judged.was_seen) or (sure and self._agreeing >= LOOKS)
        if not due or self._raised == kind:
            return False
        self._raised = kind
        self.first_step = step if self.first_step is None else self.first_step
        return True
