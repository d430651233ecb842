"""Follow the rows of one run that this process writes: which alerts are to be told now."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from lrwatch.alert import Alert
from lrwatch.alerts.inhibition import inhibited
from lrwatch.alerts.rules import Rule
from lrwatch.alerts.run_alerts import RunAlerts
from lrwatch.records import StepBlock
from lrwatch.store.reader import RunReader

__all__ = ["RunFollower"]

_ROWS: Final = 2_000
"""Rows that are judged in one look: a few milliseconds in which a training may have to wait."""


class RunFollower:
    """Reads what a run has written and says what somebody should be told.

    An alert is told once an episode: when it fires, or when the one that said more no longer
    does.

    Parameters
    ----------
    folder
        Folder of the run.
    rules
        Which verdicts become alerts.
    first_row
        Rows before this one are judged, and nobody is told of them: an earlier process was.

    Attributes
    ----------
    peak_lr
        Highest learning rate so far; NaN before the first row.

    Raises
    ------
    RunNotFound, RunUnreadable
        If there is no run at `folder`, or it cannot be read.
    """

    def __init__(self, folder: Path, *, rules: Sequence[Rule], first_row: int = 0) -> None:
        self._reader = RunReader(folder)
        self._run = RunAlerts(self._reader.info, rules)
        self._first_row = first_row
        self._n_rows = 0
        self._rows: StepBlock | None = None  # that were read and are not judged yet
        self._now: dict[str, Alert] = {}  # each alert in its present state, by id
        self._told: dict[str, int] = {}  # the last episode that was told, by id
        self.peak_lr = math.nan

    @property
    def is_behind(self) -> bool:
        """Whether rows were read that another look has to judge."""
        return self._rows is not None

    def look(self) -> Iterator[Alert]:
        """Judge the next rows, a bounded number; yield those alerts that are to be told.

        Raises
        ------
        RunNotFound, RunUnreadable, OSError
            If the rows cannot be read now; a later look tries again.
        """
        rows = self._reader.read_new() if self._rows is None else self._rows
        n_old = self._first_row - self._n_rows
        n_rows = min(n_old, _ROWS) if n_old > 0 else _ROWS
        self._rows = rows[n_rows:] if len(rows) > n_rows else None
        rows = rows[:n_rows]
        self._n_rows += len(rows)
        self.peak_lr = float(np.fmax.reduce(rows.lr, initial=self.peak_lr))
        for changed in self._run.update(rows):
            self._now[changed.id] = changed
            for alert in self._due(changed):
                if alert.state == "firing":
                    self._told[alert.id] = alert.episode
                if n_old <= 0:
                    yield alert

    def _due(self, changed: Alert) -> Iterator[Alert]:
        """Return what is to be told now that one alert has entered a state."""
        if changed.state == "resolved" and self._is_told(changed):
            yield changed
        hidden = inhibited(self._now.values())
        for alert in self._now.values():
            if alert.state == "firing" and alert.id not in hidden and not self._is_told(alert):
                yield alert

    def _is_told(self, alert: Alert) -> bool:
        return self._told.get(alert.id) == alert.episode
