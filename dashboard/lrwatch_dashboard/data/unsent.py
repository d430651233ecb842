"""What would be alerted now: the standing verdicts of the dashboard, as alerts that nobody sends.

For stores that no ``lrwatch alert`` follows. Only runs that have not ended count, as for a
watcher that starts now; inhibition and silences are left to the caller.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Final

from lrwatch.alert import alert_id
from lrwatch.alerts import RULES, Alert, Rule
from lrwatch.alerts.rules import NO_DATA, UNREADABLE
from lrwatch.formats import duration
from lrwatch.verdicts import CLASSES, Diagnosis, Verdict
from lrwatch_dashboard.views import RunView

__all__ = ["is_candidate", "unsent"]

_NO_DATA, _UNREADABLE = (
    next(rule for rule in RULES if rule.name == name) for name in (NO_DATA, UNREADABLE)
)
_BY_VERDICT: Final[dict[str, tuple[Rule, Verdict]]] = {
    verdict: (rule, verdict) for rule in RULES for verdict in rule.verdicts
}
_OLD_SECONDS: Final = 24 * 3600.0  # what has been silent or broken for longer is no news


def is_candidate(row: RunView) -> bool:
    """Return whether a run may be worth an alert."""
    return row.state in ("silent", "unreadable") or (
        row.state == "running" and row.verdict in _BY_VERDICT
    )


def unsent(views: Iterable[RunView], now: float) -> Iterator[tuple[Alert, str]]:
    """Yield what a watcher would tell of runs, with the key of the run.

    Parameters
    ----------
    views
        Runs that may be worth an alert.
    now
        Seconds since the Unix epoch.
    """
    for view in views:
        quiet = now - view.updated_at
        if view.state != "running" and quiet > _OLD_SECONDS:
            continue
        if view.state == "unreadable":
            yield _about_files(_UNREADABLE, view, view.problem), view.key
            continue
        if view.state == "silent" and quiet >= _NO_DATA.for_seconds:
            usual = f", where one came every {duration(view.usual_gap)}" if view.usual_gap else ""
            yield _about_files(_NO_DATA, view, f"No row any more{usual}"), view.key
        known, diagnosis = _BY_VERDICT.get(view.verdict), view.diagnosis
        # A verdict that no alarm was raised for is still a guess.
        if known is not None and diagnosis is not None and diagnosis.first_alarm_step is not None:
            yield _about_verdict(*known, view, diagnosis), view.key


def _about_files(rule: Rule, view: RunView, reason: str) -> Alert:
    """Return the alert of a run whose files are what is wrong."""
    return Alert(
        id=alert_id(rule.name, view.key),
        episode=0,
        rule=rule.name,
        severity=rule.severity,
        state="firing",
        run_id=view.key,
        run=view.name,
        group=view.group or None,
        verdict="insufficient_data",
        learning_rate="unknown",
        confidence=math.nan,
        interval=None,
        reason=reason,
        advice="",
        lr=math.nan,
        suggested_lr=None,
        step=view.last_step or 0,
        since_step=view.last_step or 0,
        time=view.updated_at,
    )


def _about_verdict(rule: Rule, verdict: Verdict, view: RunView, diagnosis: Diagnosis) -> Alert:
    return replace(
        _about_files(rule, view, view.reason),
        verdict=verdict,
        learning_rate=CLASSES[verdict],
        confidence=diagnosis.confidence,
        interval=diagnosis.interval,
        advice=diagnosis.advice,
        lr=math.nan if view.lr is None else view.lr,
        suggested_lr=diagnosis.suggested_lr,
        since_step=diagnosis.first_alarm_step or 0,
        time=0.0,
    )
