"""From a run's rows to a message: rules, the life of an alert, inhibition, wording.

::

    rows -> RunAlerts (one Episode a rule) -> Alert -> inhibited? -> handlers, or messages

`RunAlerts` loads on first use: `watch` imports handlers, and none of what judges.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lrwatch.alert import Alert, Severity, State
from lrwatch.alerts.handlers import (
    CutLearningRate,
    Handler,
    SaveCheckpoint,
    StopTraining,
    Training,
    TrainingHandler,
)
from lrwatch.alerts.rules import RULES, Rule

if TYPE_CHECKING:
    from lrwatch.alerts.run_alerts import RunAlerts

__all__ = [
    "RULES",
    "Alert",
    "CutLearningRate",
    "Handler",
    "Rule",
    "RunAlerts",
    "SaveCheckpoint",
    "Severity",
    "State",
    "StopTraining",
    "Training",
    "TrainingHandler",
]


def __getattr__(name: str) -> Any:
    if name != "RunAlerts":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from lrwatch.alerts.run_alerts import RunAlerts

    return RunAlerts
