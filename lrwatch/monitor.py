"""Judge a run while it is written, or one that is: the same code, the same result.

::

    monitor = Monitor()
    for rows in ...:                      # blocks of any size
        for alarm in monitor.update(rows):
            print(alarm.step, alarm.reason)
    monitor.diagnosis()
"""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike
from typing import Any

import numpy as np

from lrwatch.detect.tracker import Tracker
from lrwatch.diagnosis.alarms import AlarmPolicy
from lrwatch.diagnosis.examination import TooHigh
from lrwatch.diagnosis.judge import Finding
from lrwatch.errors import InvalidArgument
from lrwatch.logs import Intake, rows_of
from lrwatch.records import StepBlock
from lrwatch.verdicts import Alarm, Diagnosis

__all__ = ["Check", "Monitor", "diagnose"]


class Check:
    """The verdict at one row of a run.

    Attributes
    ----------
    step
        Step of the row.
    verdict, learning_rate, confidence
        As in `Diagnosis`, at that row.
    is_alarm
        An alarm is raised here.
    is_standing
        An alarm for this class of learning rate was raised, here or earlier, and holds.
    """

    def __init__(self, step: int, found: Finding, *, is_alarm: bool, is_standing: bool) -> None:
        self.step = step
        self.verdict = found.verdict
        self.learning_rate = found.learning_rate
        self.confidence = found.confidence
        self.is_alarm = is_alarm
        self.is_standing = is_standing
        self._found = found

    def alarm(self) -> Alarm:
        """Return the finding as an alarm, with reason and advice; only while it is the last."""
        return self._found.alarm(self.step)


class Monitor:
    """Follows one run and raises alarms; its size does not grow with the run.

    Parameters
    ----------
    total_steps
        Planned number of steps, where known: nothing is called too slow in its first twentieth.

    Raises
    ------
    InvalidArgument
        If `total_steps` is not a positive number.

    Examples
    --------
    >>> monitor = Monitor()
    >>> monitor.update({"step": [0, 1], "loss": [2.0, 1.9], "lr": [0.1, 0.1]})
    []
    >>> monitor.diagnosis().verdict
    'insufficient_data'
    """

    def __init__(self, *, total_steps: int | None = None) -> None:
        if total_steps is not None and total_steps < 1:
            raise InvalidArgument(f"total_steps must be at least 1, got {total_steps}")
        self.total_steps = total_steps
        self._intake = Intake()
        self._tracker = Tracker()
        self._policy = AlarmPolicy()
        self._too_high: TooHigh | None = None

    def update(self, rows: Any) -> list[Alarm]:
        """Take the next rows of the run and return the alarms that they raise.

        Parameters
        ----------
        rows
            A `StepBlock`, or any table of steps that `lrwatch.tables.step_block` reads.

        Raises
        ------
        InvalidArgument
            If the table has no loss, or a column holds no numbers.
        """
        return [check.alarm() for check in self.checks(rows) if check.is_alarm]

    def checks(self, rows: Any) -> Iterator[Check]:
        """Take the next rows of the run; yield what is found at each row that is checked.

        `update` for those who also want to know when an alarm no longer holds. A `Check`
        explains itself only until the next one is asked for.

        Raises
        ------
        InvalidArgument
            As `update`.
        """
        block = self._intake.take(rows)
        with np.errstate(all="ignore"):  # infinite and missing values are what is judged here
            for step, is_urgent in self._tracker.advance(block):
                found = self._found(self._tracker)
                is_alarm = self._policy.is_due(found, step, is_urgent=is_urgent)
                if is_alarm:
                    self._too_high = found.too_high(step) or self._too_high
                is_standing = self._policy.standing == found.learning_rate
                yield Check(step, found, is_alarm=is_alarm, is_standing=is_standing)

    def diagnosis(self) -> Diagnosis:
        """Diagnose the run as it stands; changes nothing."""
        with np.errstate(all="ignore"):
            found = self._found(self._tracker.finished())
            return found.diagnosis(first_alarm_step=self._policy.first_step)

    def _found(self, tracker: Tracker) -> Finding:
        return Finding(tracker, total_steps=self.total_steps, earlier=self._too_high)


def diagnose(run: Any, *, total_steps: int | None = None) -> Diagnosis:
    """Diagnose a run.

    Parameters
    ----------
    run
        A table of steps with at least ``loss`` (pandas, polars, pyarrow, a mapping of arrays or
        a `StepBlock`), the path of a run folder or of another tool's log, or a `Run`. Rows
        without ``step`` are numbered, others are sorted by it. Learning rate, gradient norm,
        update norm and parameter norm sharpen the diagnosis where they are there, and so does
        ``val_loss``.
    total_steps
        Planned number of steps, where known.

    Raises
    ------
    InvalidArgument
        If the table has no loss, a column holds no numbers, or the log holds several runs.
    RunNotFound, RunUnreadable
        If there is no run at the path, or it cannot be read.
    """
    if isinstance(run, (str, PathLike)):
        run, planned = _rows_at(run)
        total_steps = planned if total_steps is None else total_steps
    monitor = Monitor(total_steps=total_steps)
    monitor.update(rows_of(run))
    return monitor.diagnosis()


def _rows_at(path: str | PathLike[str]) -> tuple[StepBlock, int | None]:
    """Return the rows of the run, or of another tool's log, at a path, and the steps planned.

    Raises
    ------
    RunNotFound, RunUnreadable, InvalidArgument
        As `diagnose`.
    """
    from lrwatch.importing import foreign_run
    from lrwatch.store import RunReader
    from lrwatch.store.faults import naming
    from lrwatch.store.mirroring.places import known_as, local_folder

    place = local_folder(path)
    if log := foreign_run(place):
        return log.rows, log.total_steps
    with naming(known_as(place)):
        reader = RunReader(place)
        return reader.read_new(), reader.info.total_steps
