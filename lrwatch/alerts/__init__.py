"""From a run's rows to a message: rules, the life of an alert, inhibition, wording.

::

    rows -> RunAlerts (one Episode a rule) -> Alert -> inhibited? -> handlers, or messages

Names load on first use: `watch` imports handlers, and none of what judges.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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

_HOME = {
    "RULES": "lrwatch.alerts.rules",
    "Alert": "lrwatch.alert",
    "CutLearningRate": "lrwatch.alerts.handlers",
    "Handler": "lrwatch.alerts.handlers",
    "Rule": "lrwatch.alerts.rules",
    "RunAlerts": "lrwatch.alerts.run_alerts",
    "SaveCheckpoint": "lrwatch.alerts.handlers",
    "Severity": "lrwatch.alert",
    "State": "lrwatch.alert",
    "StopTraining": "lrwatch.alerts.handlers",
    "Training": "lrwatch.alerts.handlers",
    "TrainingHandler": "lrwatch.alerts.handlers",
}


def __getattr__(name: str) -> Any:
    """Load a public name from the module that holds it."""
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME[name]), name)
    globals()[name] = value
    return value
