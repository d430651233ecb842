"""From a run's rows to somebody being told: rules, their life, inhibition, words, receivers.

::

    rows -> RunAlerts (one Episode a rule) -> Alert -> inhibited? -> handlers, or messages
"""

from lrwatch.alerts.alert import Alert, Severity, State
from lrwatch.alerts.rules import RULES, Rule
from lrwatch.alerts.run_alerts import RunAlerts

__all__ = ["RULES", "Alert", "Rule", "RunAlerts", "Severity", "State"]
