"""One run of a store, followed while it is written: its alerts, and whether rows come."""

from __future__ import annotations

import logging
import math
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from lrwatch.alert import Alert, alert_id
from lrwatch.alerts.absence import Gaps
from lrwatch.alerts.clock import Clock
from lrwatch.alerts.file_alerts import FileAlert, Subject
from lrwatch.alerts.rules import NO_DATA, UNREADABLE, Rule
from lrwatch.alerts.run_alerts import RunAlerts
from lrwatch.alerts.watcher_state import RunState
from lrwatch.errors import LrwatchError
from lrwatch.formats import count, duration
from lrwatch.records import StepBlock
from lrwatch.store import RunEntry, RunReader, writer_is_gone

__all__ = ["RunWatch"]

logger = logging.getLogger("lrwatch.alerts")

_RETRY_SECONDS: Final = 60.0
"""A run that cannot be judged is read again from its first row; not at every look, then."""

_COARSE_SECONDS: Final = 2.0
"""A file changed so recently is read again: its time stamp may be too coarse to tell."""

_ENDS: Final[Mapping[str, RunState]] = {"interrupted": "interrupted", "failed": "failed"}

_DEAD_ADVICE: Final = (
    "Look at the end of its output: a process that was killed, for want of memory say, ends "
    "like this"
)
_STUCK_ADVICE: Final = "See whether it hangs, waits for data, or evaluates for long"
_UNREADABLE_ADVICE: Final = "It is not watched until its files can be read"


class RunWatch:
    """Follows one run; its size does not grow with it.

    Parameters
    ----------
    entry
        Where it is.
    rules
        Which verdicts become alerts, and whether missing rows and unreadable files do.
    clock
        Does not jump.
    earlier
        Alerts by id as the last watcher left them.
    """

    def __init__(
        self, entry: RunEntry, rules: Sequence[Rule], clock: Clock, earlier: Mapping[str, Alert]
    ) -> None:
        self._clock = clock
        self._subject = _subject(entry)
        self._rules = rules
        self._files = {
            rule.name: (rule, FileAlert(rule, earlier.get(self._id(rule))))
            for rule in rules
            if rule.name in (NO_DATA, UNREADABLE)
        }
        self._gaps = Gaps(next((r.for_seconds for r in rules if r.name == NO_DATA), 0.0))
        self._reader: RunReader | None = None
        self._judge: RunAlerts | None = None
        self._read_at = -math.inf  # last write of what was read, seconds since the Unix epoch
        self._wait_until, self._fault = -math.inf, ""
        self._problem_since: float | None = None
        self._row_at = clock() - _age(entry)
        self.peak_lr = math.nan
        self.run_state: RunState = "running"

    def look(self, entry: RunEntry) -> None:
        """Read what is new, and take note of how the run is doing."""
        problem = entry.problem or self._read(entry)
        self._note_problem(_without_path(problem, entry), entry)
        if entry.info is not None and entry.info.status != "running" and not problem:
            self._end(entry.info.status)
        elif not problem:
            self._note_absence(entry)

    @property
    def run_id(self) -> str:
        """Identity of the run."""
        return self._subject.run_id

    @property
    def group(self) -> str | None:
        """Name that the runs of its job share."""
        return self._subject.group

    @property
    def is_over(self) -> bool:
        """Whether the run has ended and was judged to its end."""
        return self.run_state in ("finished", "interrupted", "failed")

    @property
    def alerts(self) -> list[Alert]:
        """Every alert that is in a state."""
        judged = [] if self._judge is None else self._judge.alerts
        files = [file.alert for _, file in self._files.values() if file.alert is not None]
        return [*judged, *files]

    def _read(self, entry: RunEntry) -> str:
        """Read and judge new rows; return why that cannot be done, or nothing."""
        if self._clock() < self._wait_until:
            return self._fault
        if entry.last_write == self._read_at or entry.info is None:
            return ""
        try:
            if self._reader is None or self._judge is None:
                self._reader = RunReader(entry.path)
                self._judge = RunAlerts(entry.info, self._rules)
            is_first = math.isinf(self._read_at)
            rows = self._reader.read_new()
            if len(rows):
                self._take(rows, self._judge)
                # Rows that were there before are as old as their file says.
                self._row_at = self._clock() - (_age(entry) if is_first else 0.0)
        except (LrwatchError, OSError) as error:
            return str(error)
        except Exception as error:
            # Whatever this run has run into, the others are watched on.
            logger.exception("the run at %s cannot be judged", entry.path)
            self._reader = self._judge = None
            self._gaps = Gaps(self._gaps.least_seconds)
            self._wait_until = self._clock() + _RETRY_SECONDS
            self._fault = f"It cannot be judged: {type(error).__name__}: {error}"
            return self._fault
        is_settled = time.time() - entry.last_write > _COARSE_SECONDS
        self._read_at = entry.last_write if is_settled else 0.0
        return ""

    def _take(self, rows: StepBlock, judge: RunAlerts) -> None:
        judge.update(rows)
        self._gaps.update(rows)
        self.peak_lr = float(np.fmax.reduce(rows.lr, initial=self.peak_lr))
        self._subject = replace(self._subject, step=int(rows.step[-1]), lr=float(rows.lr[-1]))

    def _note_problem(self, problem: str, entry: RunEntry) -> None:
        if UNREADABLE not in self._files:
            return
        rule, file = self._files[UNREADABLE]
        now = self._clock()
        if not problem:
            self._problem_since = None
            file.see(self._subject, now, "")
            return
        if self._problem_since is None:
            self._problem_since = now - _age(entry)
        # What is being written, or served slowly, may be unreadable for a moment.
        if now - self._problem_since >= rule.for_seconds:
            file.see(self._subject, now, problem, _UNREADABLE_ADVICE)

    def _note_absence(self, entry: RunEntry) -> None:
        now = self._clock()
        quiet = now - self._row_at
        is_dead = quiet > self._gaps.patience(is_dead=True) and writer_is_gone(entry.path)
        is_silent = quiet > self._gaps.patience(is_dead=is_dead) and not self._is_complete(entry)
        self.run_state = "silent" if is_silent else "running"
        if NO_DATA in self._files:
            reason = self._silence(quiet, is_dead=is_dead) if is_silent else ""
            advice = _DEAD_ADVICE if is_dead else _STUCK_ADVICE
            self._files[NO_DATA][1].see(self._subject, now, reason, advice)

    def _is_complete(self, entry: RunEntry) -> bool:
        """Tell whether all planned steps were made: a notebook may rest after them."""
        planned = None if entry.info is None else entry.info.total_steps
        return planned is not None and self._subject.step + 1 >= planned

    def _silence(self, quiet: float, *, is_dead: bool) -> str:
        last = f"the last one was step {count(self._subject.step)}" if self._gaps.n_rows else ""
        if is_dead:
            since = f"no row for {duration(quiet)}{', ' if last else ''}{last}"
            return f"Its process is gone without having ended the run: {since}"
        if not self._gaps.n_rows:
            return f"No row for {duration(quiet)} since the run began"
        usual = f", where one came every {duration(self._gaps.usual)}" if self._gaps.usual else ""
        return f"No row for {duration(quiet)}{usual}; {last}"

    def _end(self, status: str) -> None:
        """Keep what fires as a finding."""
        if self._judge is not None:
            self._judge.end()
        for _, file in self._files.values():
            file.see(self._subject, self._clock(), "")  # that it has ended is a sign of life
        self.run_state = _ENDS.get(status, "finished")

    def _id(self, rule: Rule) -> str:
        return alert_id(rule.name, self._subject.run_id)


def _subject(entry: RunEntry) -> Subject:
    if entry.info is not None:
        return Subject(entry.info.id, entry.info.name, entry.info.group)
    return Subject(entry.key, entry.path.name, None)


def _without_path(problem: str, entry: RunEntry) -> str:
    """Leave out where the store is: messages may go to others than those who know."""
    return problem.replace(f"{entry.path}{os.sep}", "").replace(str(entry.path), entry.path.name)


def _age(entry: RunEntry) -> float:
    """Return how long ago the run was written, by the clock that its files have."""
    return max(time.time() - entry.last_write, 0.0)
