"""What the siblings of a run say of its rate, once it is certain enough for an alert."""

from __future__ import annotations

from typing import Final

from lrwatch.alerts.rules import Rule
from lrwatch.diagnosis.alarms import CONFIDENT, LOOKS, SETTLED
from lrwatch.verdicts import CLASSES, Diagnosis

__all__ = ["Beside"]

GROWN: Final = 1.1
"""By so much a run must have grown between two looks that agree."""


class Beside:
    """Keeps what was found at the last looks; nothing while there were none."""

    def __init__(self) -> None:
        self._found: Diagnosis | None = None
        self._agreeing = 0
        self._seen_at = 0

    def see(self, found: Diagnosis, *, is_final: bool) -> None:
        """Take what is said of the run now, and whether that is the last word."""
        before, self._found = self._found, found
        if before is None or before.learning_rate != found.learning_rate:
            self._agreeing, self._seen_at = 1, found.n_steps
        elif found.n_steps >= GROWN * self._seen_at:
            self._agreeing, self._seen_at = self._agreeing + 1, found.n_steps
        if is_final:
            self._agreeing = LOOKS

    def flags(self, rule: Rule) -> bool | None:
        """Return whether a rule's condition holds; ``None`` where the siblings do not say.

        That a rule does not hold needs one look, that it does two: a false alarm costs more.
        """
        found = self._found
        if found is None or found.confidence < CONFIDENT or found.n_steps < SETTLED:
            return None
        if found.learning_rate not in {CLASSES[verdict] for verdict in rule.verdicts}:
            return False
        return found.verdict in rule.verdicts if self._agreeing >= LOOKS else None
