"""One run followed for the pages: its alerts as the watcher has them, and its lines in small.

Rows go to the judge as they come and are not kept, so that a poll costs what the new rows cost.
Of a run that rests only the finding stays, so that a store of thousands of runs fits in memory.
"""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any, Final

from lrwatch.alert import Alert
from lrwatch.alerts.grouping import Timing
from lrwatch.alerts.telling import ACTIVE
from lrwatch.alerts.watched_run import WatchedRun
from lrwatch.comparing import Trial, flat_settings, trial_of
from lrwatch.records import StepBlock
from lrwatch_dashboard.data.envelope import Envelope, Outliner
from lrwatch_dashboard.data.loaded_run import give_back
from lrwatch_dashboard.data.run_digest import RunDigest
from lrwatch_dashboard.data.stopwatch import Stopwatch
from lrwatch_dashboard.views import AlertMark, Curve, RunView, StepTimes

__all__ = ["Follower"]

_OLD_SECONDS: Final = Timing().max_age
"""A watcher does not look at runs that were not written for longer."""

_MARKED: Final = ("firing", "resolved")
_MOST_MARKS: Final = 60
_PLACES: Final = 64
_TOP: Final = 99  # height of the small loss curve


class Follower(WatchedRun):
    """What is known of a run so far."""

    def begin(self) -> None:
        """Start over, before the first row."""
        super().begin()
        self._stopwatch, self._outliner = Stopwatch(), Outliner()
        self._marks: list[AlertMark] = []
        self._found: RunDigest | None = None  # of a run that rests

    def take(self, rows: StepBlock) -> None:
        """Add rows to the numbers and the lines."""
        super().take(rows)
        first = int(rows.step[0])
        self._marks = [mark for mark in self._marks if mark.step < first]  # what is written again
        self._stopwatch.add(rows.step, rows.time)
        self._outliner.add(rows)

    def catch_up(self, deadline: float) -> bool:
        """Read and judge until a time of `time.monotonic`; return whether all is done."""
        for alert in self.advance(deadline=deadline):
            if alert.state in _MARKED and len(self._marks) < _MOST_MARKS:
                is_over = alert.state == "resolved"
                self._marks.append(AlertMark(alert.step, alert.rule, alert.episode, is_over))
        if not self.is_behind:
            give_back(self.summary.n_rows)
        return not self.is_behind

    @property
    def clock(self) -> StepTimes:
        """When its steps ended."""
        return self._stopwatch.clock() if self._found is None else self._found.clock

    @property
    def alert_marks(self) -> tuple[AlertMark, ...]:
        """Where alerts fired and ended; what siblings made fire, from when that was seen."""
        if self._found is not None:
            return self._found.alert_marks
        known = {(mark.rule, mark.episode) for mark in self._marks}
        more = [
            AlertMark(alert.step, alert.rule, alert.episode)
            for alert in self.verdict_alerts
            if alert.state == "firing" and (alert.rule, alert.episode) not in known
        ]
        return tuple(sorted([*self._marks, *more], key=lambda mark: mark.step))

    @property
    def envelope(self) -> Envelope | None:
        """The lines of a long run that rests; ``None`` while its rows are followed."""
        return None if self._found is None else self._found.envelope

    @property
    def trial(self) -> Trial:
        """The run as it is compared with others; stays as it is while rows are added."""
        return replace(trial_of(self), summary=self.summary.snapshot())

    def active_alerts(self) -> tuple[Alert, ...]:
        """Return what a watcher would find firing now; of old runs and of those over, nothing."""
        is_unread = self.diagnosis is None and not self.problem
        if self.has_ended or self.age > _OLD_SECONDS or is_unread:
            return ()
        self.settle()
        return tuple(alert for alert in self.alerts if alert.state in ("firing", "recovering"))

    def ended_alerts(self) -> tuple[Alert, ...]:
        """Return what fired when the run ended, if that was not long ago."""
        # By when it says that it ended: copies of its files are younger.
        if not self.has_ended or time.time() - self.entry.last_seen > _OLD_SECONDS:
            return ()
        fired = [alert for alert in self.verdict_alerts if alert.state in ACTIVE]
        return tuple(replace(alert, state="closed") for alert in fired)

    def adopt(self, finding: RunDigest) -> None:
        """Take over what was found elsewhere on the run as it was last listed."""
        self.rest_on(finding.summary, finding.diagnosis, finding.alerts)
        self.recall_metrics(finding.metrics)
        self._found = finding

    def rest(self) -> RunDigest | None:
        """Let go of all but the finding, if the run is judged and settled.

        Returns
        -------
        RunDigest or None
            The finding, if it was let go of the rest this time and all of it could be read.
        """
        if not self.can_rest():
            return None
        finding = self.finding()
        if finding is None:
            return None
        self.adopt(finding)
        return None if self.problem or self.damage else finding

    def finding(self) -> RunDigest | None:
        """Return what the rows come to; ``None`` until they were read once."""
        if self._found is not None or self.diagnosis is None:
            return self._found
        return RunDigest(
            summary=self.summary,
            diagnosis=self.diagnosis,
            alerts=self.verdict_alerts,
            clock=self._stopwatch.clock(),
            envelope=self._outliner.envelope(),
            metrics=self.metrics,
            alert_marks=self.alert_marks,
        )

    def shown(self) -> tuple[Any, ...]:
        """Return what changes whenever the pages show something else of it."""
        alerts = tuple((alert.id, alert.episode, alert.state) for alert in self.active_alerts())
        return id(self), self.version, self.state, alerts

    def view(self) -> RunView:
        """Return what the pages say of it; the neighbours and the token are left empty."""
        entry, info, summary = self.entry, self.info, self.summary
        known: dict[str, Any] = {"created_at": entry.last_write}
        if info is not None:
            known = {
                "total_steps": info.total_steps,
                "optimizer": info.optimizer,
                "created_at": info.created_at,
                "group": info.group or "",
                "config": flat_settings(info.config),
                "environment": info.environment,
                "lost_rows": info.lost_rows,
            }
        return RunView(
            key=entry.key,
            name=entry.shown_name,
            state=self.state,
            diagnosis=self.diagnosis,
            problem=self.problem or self.damage,
            steps=summary.n_steps,
            last_step=summary.last_step,
            lr=summary.peak_lr,
            best_loss=summary.losses.best(),
            updated_at=entry.last_seen,
            usual_gap=summary.gaps.usual or None,
            is_broken=summary.is_broken,
            sparkline=summary.losses.heights(_PLACES, _TOP),
            outline=Curve("loss", summary.losses.steps, summary.losses.means),
            clock=self.clock,
            metrics=self.metrics,
            trial=self.trial,
            alerts=self.active_alerts(),
            ended_alerts=self.ended_alerts(),
            alert_marks=self.alert_marks,
            tags=entry.labels.tags,
            note=entry.labels.note,
            is_pinned=entry.labels.pinned,
            is_archived=entry.labels.archived,
            **known,
        )
