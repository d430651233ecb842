"""Which alerts say less than another one on the same run, and are not sent beside it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from lrwatch.alerts.alert import Alert
from lrwatch.alerts.rules import INHIBITED_BY

__all__ = ["inhibited"]


def inhibited(alerts: Iterable[Alert]) -> set[str]:
    """Return the ids of those alerts that another one, firing on the same run, says more than.

    Parameters
    ----------
    alerts
        Alerts of any number of runs, each in its present state.
    """
    alerts = list(alerts)
    firing: dict[str, set[str]] = defaultdict(set)
    for alert in alerts:
        if alert.state == "firing":
            firing[alert.run_id].add(alert.rule)
    none: frozenset[str] = frozenset()
    return {a.id for a in alerts if INHIBITED_BY.get(a.rule, none) & firing[a.run_id]}
