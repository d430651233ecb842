"""One run followed for the table: its numbers, its loss curve in small, and its verdict.

Rows go to the monitor as they come and are not kept, so that a poll costs what the new rows
cost. Of a run that rests only the finding stays, so that a store of thousands of runs fits in
memory; should it go on after all, it is read again from its first row.
"""

from __future__ import annotations

import logging
import os
import time
from typing import Final

from lrwatch.errors import LrwatchError
from lrwatch.monitor import Monitor
from lrwatch.records import RunInfo, StepBlock
from lrwatch.store import RunEntry, RunReader
from lrwatch.verdicts import Diagnosis
from lrwatch_dashboard.data.arrow_memory import give_back
from lrwatch_dashboard.data.finding import Finding
from lrwatch_dashboard.data.tally import Tally

__all__ = ["Follower"]

logger = logging.getLogger("lrwatch_dashboard")

_SLICE: Final = 20_000
"""Rows judged between two looks at the clock."""

_RECENT_SECONDS: Final = 10.0
"""A file written so recently is read again: its time stamp may be too coarse to tell."""

_RESTING_SECONDS: Final = 600.0
"""A run that calls itself running and has written nothing for so long is taken to rest."""


class Follower:
    """What is known of a run so far.

    Attributes
    ----------
    entry
        The run as it was last listed.
    diagnosis
        The verdict on the rows so far; None before the first.
    problem
        What cannot be read; empty if all can.
    version
        Grows whenever something of this may have changed.
    """

    def __init__(self, entry: RunEntry) -> None:
        self.entry = entry
        self.version = 0
        self.diagnosis: Diagnosis | None = None
        self.problem = self._said(entry.problem)
        self._kept: Finding | None = None
        self._tally = Tally()
        self._reader: RunReader | None = None
        self._monitor: Monitor | None = None
        self._waiting: StepBlock | None = None
        self._read_at = -1.0
        self._is_relisted = True

    @property
    def info(self) -> RunInfo | None:
        """What the run says of itself; None if that cannot be read."""
        return self.entry.info

    @property
    def finding(self) -> Finding:
        """What the rows so far come to."""
        return self._kept or self._tally.finding(self.diagnosis)

    @property
    def kept(self) -> Finding | None:
        """The finding of a run that rests; None while its rows are followed."""
        return self._kept

    @property
    def usual_gap(self) -> float | None:
        """The median time between late steps in seconds; None if unknown."""
        return self._kept.usual_gap if self._kept is not None else self._tally.usual_gap

    def relist(self, entry: RunEntry) -> None:
        """Take over what a new listing of the folder says of the run."""
        self._is_relisted = True
        if entry != self.entry:
            self.entry = entry
            self.version += 1

    def needs_work(self, now: float) -> bool:
        """Return whether there may be rows that were not judged yet."""
        if self._waiting is not None:
            return True
        written = self.entry.last_write
        is_recent = self._is_relisted and now - written < _RECENT_SECONDS
        return self.entry.info is not None and (written != self._read_at or is_recent)

    def is_settled(self, now: float) -> bool:
        """Return whether the run will hardly write again."""
        info, age = self.entry.info, now - self.entry.last_write
        if info is None or age < _RECENT_SECONDS:
            return False
        return info.status != "running" or age > _RESTING_SECONDS

    def adopt(self, finding: Finding) -> None:
        """Take over what was found elsewhere on the run as it was last listed."""
        self._rest_on(finding)
        self._read_at = self.entry.last_write
        self._is_relisted = False
        self.version += 1

    def rest(self, now: float) -> Finding | None:
        """Let go of all but the finding if the run is judged and settled.

        Returns
        -------
        Finding or None
            The finding, if it was let go of the rest this time and all of it could be read.
        """
        is_done = self._kept is None and self.diagnosis is not None and not self.needs_work(now)
        if not is_done or not self.is_settled(now):
            return None
        finding = self.finding
        self._rest_on(finding)
        return None if self.problem else finding

    def advance(self, deadline: float) -> bool:
        """Read and judge what is new until a time of `time.monotonic`; return whether all is done.

        A run that cannot be read keeps what it had, with the problem beside it.
        """
        known = self.problem
        try:
            return self._advance(deadline)
        except (LrwatchError, OSError) as error:
            self.problem = self._said(str(error))
        except Exception:  # one run that breaks must not hide the others
            logger.exception("run %r cannot be judged", self.entry.key)
            self.problem = "an unexpected error stopped its diagnosis; the log has the details"
        finally:
            self.version += self.problem != known
        self._waiting = None
        self._read_at = self.entry.last_write
        return True

    def _advance(self, deadline: float) -> bool:
        if self._waiting is None:
            self._waiting = self._read()
        monitor = self._monitor_of_run()
        self.version += len(self._waiting) > 0 or self.diagnosis is None
        is_stale = self.diagnosis is None or self._kept is not None
        while len(self._waiting):
            block, self._waiting = self._waiting[:_SLICE], self._waiting[_SLICE:]
            self._tally.add(block)
            monitor.update(block)
            is_stale = True
            if time.monotonic() > deadline and len(self._waiting):
                return False
        self._waiting = None
        if is_stale:
            give_back(self._tally.n_steps)
            self.diagnosis = monitor.diagnosis()
            self._kept = None
        return True

    def _read(self) -> StepBlock:
        self._read_at = self.entry.last_write
        self._is_relisted = False
        if self._reader is None:
            self._reader = RunReader(self.entry.path)
        block = self._reader.read_new()
        self.problem = self._said(self.entry.problem)
        return block

    def _rest_on(self, finding: Finding) -> None:
        self._kept, self.diagnosis = finding, finding.diagnosis
        self._tally, self._reader, self._monitor, self._waiting = Tally(), None, None, None

    def _said(self, problem: str) -> str:
        """Name files as they are called within the run, and not where on this machine."""
        return problem.replace(f"{self.entry.path}{os.sep}", "")

    def _monitor_of_run(self) -> Monitor:
        if self._monitor is None:
            info = self.entry.info
            self._monitor = Monitor(total_steps=info.total_steps if info is not None else None)
        return self._monitor
