"""Alerts about a run's files, not its numbers: its rows stopped coming, or cannot be read.

Rows say nothing of these, the clock does; so their episodes go on from what is remembered.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lrwatch.alert import Alert, State, alert_id
from lrwatch.alerts.episode import Episode, Sight
from lrwatch.alerts.rules import Rule

__all__ = ["FileAlert", "Subject"]


@dataclass(frozen=True, slots=True)
class Subject:
    """Whose files they are, and how far it had come.

    Attributes
    ----------
    run_id, run, group
        As in `Alert`.
    step, lr
        Of the last row; -1 and NaN if there is none.
    """

    run_id: str
    run: str
    group: str | None
    step: int = -1
    lr: float = math.nan


class FileAlert:
    """One rule about the files of one run.

    Parameters
    ----------
    rule
        Name and severity, and for how long its condition must be gone. How long it must hold
        is for the caller to know.
    earlier
        The alert as it was when the last watcher ended, if there was one.
    """

    def __init__(self, rule: Rule, earlier: Alert | None = None) -> None:
        self._episode = Episode(replace(rule, for_steps=0, for_seconds=0.0, keep_steps=0))
        self.alert = earlier
        if earlier is not None:
            self._episode.number = earlier.episode
            self._episode.state = earlier.state
            self._episode.time = earlier.time

    def see(self, subject: Subject, now: float, reason: str, advice: str = "") -> None:
        """Take note of the files.

        Parameters
        ----------
        subject
            Whose they are.
        now
            Seconds since the Unix epoch, by a clock that does not jump.
        reason
            What is wrong with them; empty if nothing is.
        advice
            What to do about it.
        """
        sight = Sight(subject.step, now, is_flagged=bool(reason), is_sure=bool(reason))
        for state in self._episode.see(sight):
            self._enter(state, subject, now, (reason, advice))

    def _enter(self, state: State, subject: Subject, now: float, words: Sequence[str]) -> None:
        episode = self._episode
        if self.alert is None or state == "firing":
            self.alert = Alert(
                id=alert_id(episode.rule.name, subject.run_id),
                episode=episode.number,
                rule=episode.rule.name,
                severity=episode.rule.severity,
                state=state,
                run_id=subject.run_id,
                run=subject.run,
                group=subject.group,
                verdict="insufficient_data",
                learning_rate="unknown",
                confidence=1.0,
                interval=None,
                reason=words[0],
                advice=words[1],
                lr=subject.lr,
                suggested_lr=None,
                step=subject.step,
                since_step=subject.step,
                time=now,
            )
        else:
            self.alert = replace(self.alert, state=state, step=subject.step, time=now)
