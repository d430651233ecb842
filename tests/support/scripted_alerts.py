"""Alerts that enter states at given steps, whatever the rows of a run say."""

from __future__ import annotations

import dataclasses

import pytest

from lrwatch.alerts import Alert
from lrwatch.records import RunInfo, StepBlock

__all__ = ["script_alerts"]


def script_alerts(patch: pytest.MonkeyPatch, *alerts: Alert) -> None:
    """Have `RunAlerts` find these alerts, each when its step is written."""

    class Scripted:
        def __init__(self, info: RunInfo, *_: object) -> None:
            self._info = info

        def update(self, rows: StepBlock) -> list[Alert]:
            return [
                dataclasses.replace(alert, run=self._info.name, run_id=self._info.id)
                for alert in alerts
                if alert.step in rows.step
            ]

    patch.setattr("lrwatch.alerts.run_alerts.RunAlerts", Scripted)
