"""Which alerts say less than another one on the same run, and are not sent beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from lrwatch.alert import Alert
from lrwatch.alerts.rules import INHIBITED_BY

__all__ = ["inhibited"]


def inhibited(alerts: Iterable[Alert]) -> set[str]:
    """Return the ids of those alerts that another one, active on the same run, says more than.

    Active is what fires, what may come back at once, and what the run ended in.

    Parameters
    ----------
    alerts
        Alerts of any number of runs, each in its present state.
    """
    alerts = list(alerts)
    active: dict[str, set[str]] = defaultdict(set)
    for alert in alerts:
        if alert.state in ("firing", "recovering", "closed"):
            active[alert.run_id].add(alert.rule)
    none: frozenset[str] = frozenset()
    return {a.id for a in alerts if INHIBITED_BY.get(a.rule, none) & active[a.run_id]}
