"""What would have been told of a run, had somebody watched it: for a look at rules beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lrwatch.alert import Alert
from lrwatch.alerts.inhibition import inhibited
from lrwatch.alerts.rules import RULES, Rule
from lrwatch.alerts.run_alerts import RunAlerts
from lrwatch.records import RunInfo

__all__ = ["replay"]


def replay(info: RunInfo, rows: Any, rules: Sequence[Rule] = RULES) -> Iterator[Alert]:
    """Yield every alert that people would have been told of, as it fired or was over.

    What follows from clocks and from other runs is left out: missing rows, waiting for others
    of a group, and saying again what still fires.

    Parameters
    ----------
    info
        Whose run it is.
    rows
        All its steps, as `RunAlerts.update` takes them.
    rules
        Which verdicts become alerts.

    Raises
    ------
    InvalidArgument
        As `RunAlerts.update`.
    """
    run = RunAlerts(info, rules)
    present: dict[str, Alert] = {}
    told: dict[str, int] = {}  # by alert: the episode that was told and is not over
    for changed in [*run.update(rows), *run.end()]:
        present[changed.id] = changed
        hidden = inhibited(present.values())
        for alert in present.values():
            if alert.severity == "info" or alert.id in hidden:
                continue
            is_told = told.get(alert.id) == alert.episode
            if alert.state in ("firing", "recovering") and not is_told:
                told[alert.id] = alert.episode
                yield alert
            elif alert.state == "resolved" and is_told:
                del told[alert.id]
                yield alert
