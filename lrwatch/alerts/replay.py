"""What would have been sent of a run, had somebody watched it: for trying rules beforehand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from lrwatch.alert import Alert
from lrwatch.alerts.memory import AlertMemory
from lrwatch.alerts.rules import RULES, Rule
from lrwatch.alerts.run_alerts import RunAlerts
from lrwatch.records import RunInfo

__all__ = ["replay"]


def replay(info: RunInfo, rows: Any, rules: Sequence[Rule] = RULES) -> Iterator[Alert]:
    """Yield every alert that would have been sent, as it fired or was over.

    What follows from clocks and from other runs is left out: missing rows, waiting for others
    of a group, and repeating what still fires.

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
    run, memory = RunAlerts(info, rules), AlertMemory()
    for changed in [*run.update(rows), *run.end()]:
        for alert, _ in memory.follow(changed):
            yield alert
