"""Alerts about a run's files, not its numbers: its rows stopped coming, or cannot be read.

Rows say nothing of these, the clock does; so their episodes go on from what is remembered.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from lrwatch.alert import Alert, alert_id
from lrwatch.alerts.episode import Episode
from lrwatch.alerts.rules import NO_DATA, UNREADABLE, Rule
from lrwatch.following import FollowedRun
from lrwatch.formats import count, duration

__all__ = ["FileAlerts"]

_DEAD_ADVICE: Final = (
    "Look at the end of its output: a process killed for running out of memory ends like this"
)
_STUCK_ADVICE: Final = "Check whether it hangs, waits for data, or is in a long evaluation"
_UNREADABLE_ADVICE: Final = "It is not checked until its files can be read"


class FileAlerts:
    """Both rules about the files of one run.

    Parameters
    ----------
    rules
        Those that have verdicts are not for here.
    earlier
        Alerts by id as the last watcher left them.
    """

    def __init__(self, rules: Sequence[Rule], earlier: Mapping[str, Alert]) -> None:
        self._rules = {rule.name: rule for rule in rules if not rule.verdicts}
        self._earlier = earlier
        self._files: dict[str, _FileAlert] = {}
        self._problem_since: float | None = None

    @property
    def alerts(self) -> list[Alert]:
        """Those that are in a state."""
        return [file.alert for file in self._files.values() if file.alert is not None]

    def see(self, run: FollowedRun[Any], now: float) -> None:
        """Record how the files of a run are.

        Parameters
        ----------
        run
            The run, brought up to date.
        now
            Seconds since the Unix epoch, by a clock that does not jump.
        """
        if not run.problem:
            self._problem_since = None
        elif self._problem_since is None:
            self._problem_since = now - run.age
        # What is being written, or served slowly, may be unreadable for a moment.
        rule = self._rules.get(UNREADABLE)
        has_lasted = now - (self._problem_since or now) >= (rule.for_seconds if rule else 0.0)
        if has_lasted or not run.problem:
            self._note(UNREADABLE, run, now, is_wrong=bool(run.problem))
        if not run.problem:
            self._note(NO_DATA, run, now, is_wrong=run.is_silent)  # an end is a sign of life

    def _note(self, name: str, run: FollowedRun[Any], now: float, *, is_wrong: bool) -> None:
        rule = self._rules.get(name)
        if rule is None:
            return
        if name not in self._files:
            self._files[name] = _FileAlert(rule, self._earlier.get(alert_id(name, run.run_id)))
        self._files[name].see(run, now, is_wrong=is_wrong)


class _FileAlert:
    """One rule about the files of one run.

    How long its condition must hold is decided before; how long it must be gone, here.
    """

    def __init__(self, rule: Rule, earlier: Alert | None) -> None:
        self._episode = Episode(replace(rule, for_steps=0, for_seconds=0.0, keep_steps=0))
        self.alert = earlier
        if earlier is not None:
            self._episode.number = earlier.episode
            self._episode.state = earlier.state
            self._episode.time = earlier.time

    def see(self, run: FollowedRun[Any], now: float, *, is_wrong: bool) -> None:
        last = run.summary.last_step
        step = -1 if last is None else last
        for state in self._episode.see(step, now, is_flagged=is_wrong, is_sure=is_wrong):
            if self.alert is None or state == "firing":
                self.alert = self._alert(run, step)
            self.alert = replace(self.alert, state=state, step=step, time=now)

    def _alert(self, run: FollowedRun[Any], step: int) -> Alert:
        is_silent, info = self._episode.rule.name == NO_DATA, run.info
        reason, advice = _silent(run) if is_silent else (run.problem, _UNREADABLE_ADVICE)
        return self._episode.alert(
            run.run_id,
            run.entry.path.name if info is None else info.name,
            None if info is None else info.group,
            verdict="insufficient_data",
            learning_rate="unknown",
            confidence=1.0,
            interval=None,
            reason=reason,
            advice=advice,
            lr=run.summary.last_lr if run.summary.n_rows else math.nan,
            suggested_lr=None,
            since_step=step,
        )


def _silent(run: FollowedRun[Any]) -> tuple[str, str]:
    """Say for how long no row has come, and what to do about it."""
    gaps, last = run.summary.gaps, run.summary.last_step
    quiet = duration(run.quiet_seconds)
    ending = "" if last is None else f"the last one was step {count(last)}"
    if run.is_dead:
        reason = f"Its process is gone without having ended the run: no row for {quiet}"
        return f"{reason}, {ending}" if ending else reason, _DEAD_ADVICE
    if not ending:
        return f"No row for {quiet} since the run began", _STUCK_ADVICE
    usual = f" (usually one every {duration(gaps.usual)})" if gaps.usual else ""
    return f"No new rows for {quiet}{usual}; {ending}", _STUCK_ADVICE
