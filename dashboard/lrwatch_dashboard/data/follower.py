"""One run followed for the table: its numbers, its loss curve in small, and its verdict.

Rows go to the monitor as they come and are not kept, so that a store of thousands of runs
fits in memory and a poll costs what the new rows cost.
"""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from typing import Final

import numpy as np

from lrwatch.diagnosis import Diagnosis
from lrwatch.errors import LrwatchError
from lrwatch.monitor import Monitor
from lrwatch.records import FloatArray, RunInfo, StepBlock
from lrwatch.store import RunEntry, RunReader
from lrwatch_dashboard.data.sparkline import Sparkline

__all__ = ["Follower"]

logger = logging.getLogger("lrwatch_dashboard")

_SLICE: Final = 20_000
"""Rows judged between two looks at the clock."""

_RECENT_SECONDS: Final = 10.0
"""A file written so recently is read again: its time stamp may be too coarse to tell."""

_N_GAPS: Final = 200
_MICROSECONDS: Final = 1e6


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
    n_steps, last_step, peak_lr, best_loss, is_broken, usual_gap
        Numbers of the rows so far; `usual_gap` is the median time of late steps in seconds.
    """

    def __init__(self, entry: RunEntry) -> None:
        self.entry = entry
        self.version = 0
        self.diagnosis: Diagnosis | None = None
        self.problem = self._said(entry.problem)
        self.n_steps = 0
        self.last_step: int | None = None
        self.peak_lr: float | None = None
        self.best_loss: float | None = None
        self.is_broken = False
        self.sparkline = Sparkline()
        self._reader: RunReader | None = None
        self._monitor: Monitor | None = None
        self._waiting: StepBlock | None = None
        self._read_at = -1.0
        self._is_relisted = True
        self._times: deque[int] = deque(maxlen=_N_GAPS)
        self._first_step: int | None = None

    @property
    def info(self) -> RunInfo | None:
        """What the run says of itself; None if that cannot be read."""
        return self.entry.info

    @property
    def usual_gap(self) -> float | None:
        """Return the median time between late steps in seconds; None if unknown."""
        times = np.array([t for t in self._times if t > 0])
        return float(np.median(np.diff(times))) / _MICROSECONDS if len(times) > 1 else None

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
            logger.exception("run %s cannot be judged", self.entry.key)
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
        while len(self._waiting):
            block, self._waiting = self._waiting[:_SLICE], self._waiting[_SLICE:]
            self._take_in(block)
            monitor.update(block)
            if time.monotonic() > deadline and len(self._waiting):
                return False
            self.diagnosis = None
        self._waiting = None
        if self.diagnosis is None:
            self.diagnosis = monitor.diagnosis()
        return True

    def _read(self) -> StepBlock:
        self._read_at = self.entry.last_write
        self._is_relisted = False
        if self._reader is None:
            self._reader = RunReader(self.entry.path)
        block = self._reader.read_new()
        self.problem = self._said(self.entry.problem)
        return block

    def _said(self, problem: str) -> str:
        """Name files as they are called within the run, and not where on this machine."""
        return problem.replace(f"{self.entry.path}{os.sep}", "")

    def _monitor_of_run(self) -> Monitor:
        if self._monitor is None:
            info = self.entry.info
            self._monitor = Monitor(total_steps=info.total_steps if info is not None else None)
        return self._monitor

    def _take_in(self, block: StepBlock) -> None:
        if self._first_step is None:
            self._first_step = int(block.step[0])
        self.last_step = int(block.step[-1])
        # By number and not by row: a resumed run writes some steps again.
        self.n_steps = max(self.last_step + 1 - self._first_step, 0)
        self.peak_lr = _greatest(self.peak_lr, block.lr)
        finite = block.loss[np.isfinite(block.loss)]
        if len(finite):
            least = float(finite.min())
            self.best_loss = least if self.best_loss is None else min(self.best_loss, least)
        self.is_broken |= len(finite) < int(block.loss_seen.sum())
        self.sparkline.add(block.step, block.loss)
        self._times.extend(block.time[-_N_GAPS:].tolist())


def _greatest(known: float | None, values: FloatArray) -> float | None:
    finite = values[np.isfinite(values)]
    if not len(finite):
        return known
    greatest = float(finite.max())
    return greatest if known is None else max(known, greatest)
