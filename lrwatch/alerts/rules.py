"""Rules: which verdicts become an alert, how long they must hold, and how much they matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lrwatch.alert import Severity
from lrwatch.verdicts import Verdict

__all__ = ["INHIBITED_BY", "NO_DATA", "RULES", "UNREADABLE", "Rule"]


@dataclass(frozen=True, slots=True)
class Rule:
    """When a run becomes an alert.

    Attributes
    ----------
    name
        Stable; part of an alert's identity.
    severity
        ``page`` and ``ticket`` are sent, ``info`` is only shown.
    verdicts
        Verdicts that it is about; empty for the rules that look at the run's files.
    for_steps, for_seconds
        How long a verdict must hold, both of them, before the alert fires.
    keep_steps, keep_seconds
        How long it must be gone, both of them, before the alert is resolved.
    """

    name: str
    severity: Severity
    verdicts: frozenset[Verdict] = frozenset()
    for_steps: int = 0
    for_seconds: float = 0.0
    keep_steps: int = 0
    keep_seconds: float = 0.0


NO_DATA: Final = "no_data"
"""Name of the rule for a run whose rows stopped coming."""

UNREADABLE: Final = "unreadable"
"""Name of the rule for a run whose files cannot be read."""

RULES: Final[tuple[Rule, ...]] = (
    Rule("diverging", "page", frozenset({"diverging", "exploding"}), keep_steps=200),
    Rule("too_high", "ticket", frozenset({"oscillating"}), keep_steps=200),
    Rule("too_low", "ticket", frozenset({"too_low", "stalled"}), keep_steps=200),
    Rule(NO_DATA, "page", for_seconds=300),
    Rule(UNREADABLE, "ticket", for_seconds=30),
)
"""What is alerted without a configuration.

A verdict that was inferred has held for two looks with a confidence of 0.93 before `Monitor`
stands by it (`lrwatch.diagnosis.alarms`): waiting longer made no good run of the corpus silent.
Keeping for 200 steps leaves 1.03 messages a run with too high a rate, where 20 leave 1.06
(docs/alerts.md). Rows are waited for longer than `for_seconds` where they come slowly
(`lrwatch.following.absence`).
"""

INHIBITED_BY: Final[dict[str, frozenset[str]]] = {
    "too_high": frozenset({"diverging", NO_DATA}),
    "too_low": frozenset({"diverging", "too_high", NO_DATA}),
    UNREADABLE: frozenset({NO_DATA}),
}
"""Rules that say less than another one that fires on the same run, and are not sent then."""
