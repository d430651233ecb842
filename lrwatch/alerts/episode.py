"""The life of one alert: a state machine in steps and seconds.

::

    inactive --flagged--> pending --sure, and held--> firing --gone--> recovering --kept--> resolved
                 ^           |                           ^                 |
                 +---gone----+                           +----flagged------+

After a run was resumed from before it was flagged, flagged again while recovering is pending.

Steps and the times written beside them drive it, not the clock and not how rows are cut into
blocks: replaying a run gives the transitions that were made live.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from lrwatch.alert import Alert, State, alert_id
from lrwatch.alerts.rules import Rule
from lrwatch.records import FloatArray

__all__ = ["Episode"]


class Episode:
    """One rule on one run.

    Attributes
    ----------
    state
        ``None`` while there is nothing to say.
    number
        How many times the alert has fired.
    step, time
        Where the state was entered.
    since_step
        Where the condition began.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.state: State | None = None
        self.number = 0
        self.step = self.since_step = 0
        self.time = self.since_time = 0.0
        self._is_sure = self._is_undone = False

    def alert(self, run_id: str, run: str, group: str | None, **found: Any) -> Alert:
        """Return the alert as it stands, on a run, with what was found."""
        if self.state is None:
            raise AssertionError("an alert without a state")
        rule, at = self.rule, {"step": self.step, "since_step": self.since_step, "time": self.time}
        return Alert(
            id=alert_id(rule.name, run_id),
            episode=self.number,
            rule=rule.name,
            severity=rule.severity,
            state=self.state,
            run_id=run_id,
            run=run,
            group=group,
            **{**at, **found},
        )

    def pass_rows(self, steps: npt.NDArray[np.int64], times: FloatArray) -> State | None:
        """Let rows go by with the condition as it is; return the state entered, if one was.

        Parameters
        ----------
        steps, times
            Step numbers, and when they ended in seconds since the Unix epoch (0 where
            unknown), of shape ``(n_rows,)``.
        """
        rule, fires = self.rule, self.state == "pending" and self._is_sure
        if fires:
            waits = rule.for_steps, rule.for_seconds
            since = self.since_step, self.since_time
        elif self.state == "recovering":
            waits = rule.keep_steps, rule.keep_seconds
            since = self.step, self.time
        else:
            return None
        # Seconds that nobody wrote down hold nothing up.
        is_due = (steps - since[0] >= waits[0]) & ((times - since[1] >= waits[1]) | (times == 0))
        if not is_due.any():
            return None
        row = int(is_due.argmax())
        self.number += fires
        return self._enter("firing" if fires else "resolved", int(steps[row]), float(times[row]))

    def see(self, step: int, time: float, *, is_flagged: bool, is_sure: bool) -> Iterator[State]:
        """Record whether the condition holds at a row; yield each state as it is entered.

        Parameters
        ----------
        step, time
            Where the run is: step number, seconds since the Unix epoch.
        is_flagged
            The condition holds, as far as can be told.
        is_sure
            It holds for certain enough to alert somebody.
        """
        self._is_sure = is_sure
        is_past = self.state in (None, "resolved", "closed")
        if is_flagged and (is_past or (self.state == "recovering" and self._is_undone)):
            self._is_undone = False
            self.since_step, self.since_time = step, time
            yield self._enter("pending", step, time)
        elif is_flagged and self.state == "recovering":
            yield self._enter("firing", step, time)
        elif not is_flagged and self.state == "pending":
            self.state = None
        elif not is_flagged and self.state == "firing":
            yield self._enter("recovering", step, time)
        state = self.pass_rows(np.array([step]), np.array([time]))
        if state is not None:
            yield state

    def go_back(self, step: int, time: float) -> None:
        """Go on from an earlier step, as a resumed run does.

        The condition may be seen for a while yet; if it was gone since and holds again, where
        the alert's own steps were undone, that is another episode.
        """
        if step > self.since_step:
            return
        if self.state == "pending":
            self.state = None
        elif self.state in ("firing", "recovering"):
            self._is_undone = True
        if self.state == "recovering":
            self.step, self.time = step, time

    def close(self, step: int, time: float) -> State | None:
        """End with the run; an alert that fires is kept as a finding."""
        if self.state in ("firing", "recovering"):
            return self._enter("closed", step, time)
        if self.state == "pending":
            self.state = None
        return None

    def _enter(self, state: State, step: int, time: float) -> State:
        self.state, self.step, self.time = state, step, time
        return state
