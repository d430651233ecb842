"""Which alerts are sent together, and when: a sweep is one message, and nothing comes too often.

Alertmanager's model: the first alert of a group waits a moment for others of its kind
(``group_wait``), further ones wait for the next message of the group (``group_interval``), and
what still fires on a run that goes on is repeated after ``repeat_interval``.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from lrwatch.alerts.telling import STAGES, Decision, decide
from lrwatch.alerts.watcher_state import KnownAlert, ToldStatus
from lrwatch.formats import duration

__all__ = ["GroupBy", "Grouping", "Notification", "Timing"]

GroupBy = Literal["rule", "job", "run"]
"""What goes into one message: all runs of the store, those of one job, or one run."""


@dataclass(frozen=True, slots=True)
class Timing:
    """How soon and how often messages are sent, in seconds.

    Attributes
    ----------
    group_wait
        How long the first alert of a group waits for others.
    group_interval
        Least time between two messages about one group.
    repeat_interval
        After which an alert that still fires on a run that goes on is repeated.
    max_age
        Runs that were not written for longer are not looked at.
    """

    group_wait: float = 1.0
    group_interval: float = 300.0
    repeat_interval: float = 4 * 3600.0
    max_age: float = 86400.0


@dataclass(frozen=True, slots=True)
class Notification:
    """Alerts of one rule that are sent together.

    Attributes
    ----------
    group
        Name of the group.
    status
        What is said of them.
    alerts
        At least one; all of one rule.
    is_repeat
        It was sent before.
    """

    group: str
    status: ToldStatus
    alerts: tuple[KnownAlert, ...]
    is_repeat: bool = False


class Grouping:
    """Remembers when each group was sent, and returns what is due.

    Parameters
    ----------
    timing
        How soon and how often.
    by
        What a group is.
    told
        When each group was last sent.
    now
        The time; what was sent later than that, by a clock that was set back, counts as now.
    """

    def __init__(self, timing: Timing, by: GroupBy, told: Mapping[str, float], now: float) -> None:
        self._timing = timing
        self._by = by
        self._waiting_since: dict[str, float] = {}
        self.told = {group: min(at, now) for group, at in told.items()}

    def due(
        self, known: Collection[KnownAlert], now: float, *, at_once: bool = False
    ) -> list[Notification]:
        """Return what is to be sent now.

        Parameters
        ----------
        known
            Alerts of runs that were written recently.
        now
            Seconds since the Unix epoch, by a clock that does not jump.
        at_once
            Nothing waits: there will be no later.
        """
        fresh = [(one, decide(one)) for one in known]
        waiting = _notices([(one, d.status) for one, d in fresh if d.outcome == "send"], self._by)
        interval = self._timing.group_interval
        self.told = {group: at for group, at in self.told.items() if now - at < interval}
        groups = {notice.group for notice in waiting}
        self._waiting_since = {g: self._waiting_since.get(g, now) for g in groups}
        due = [n for n in waiting if at_once or now >= self._due_at(n.group, now)]
        held = [(one, self.decide(one, now)) for one, d in fresh if d.outcome != "send"]
        again = [(one, d.status) for one, d in held if d.outcome == "send"]
        due += _notices(again, self._by, is_repeat=True)
        for notice in due:
            self.told[notice.group] = now
            self._waiting_since.pop(notice.group, None)
        return due

    def decide(self, one: KnownAlert, now: float) -> Decision:
        """Pass one alert through the stages, then through grouping and repetition."""
        decision = decide(one)
        if decision.outcome == "send":
            wait = self._due_at(f"{decision.status} {_group(one, self._by)}", now) - now
            if wait > 0:
                reason = f"waits {duration(wait)}, to be sent with others of its group"
                return Decision("held", decision.status, "grouping", reason)
        elif self._can_be_repeated(one):
            wait = self._timing.repeat_interval - (now - min(one.told_at or 0.0, now))
            if wait <= 0:
                return Decision("send", "firing", "", "it still fires")
            reason = f"already sent; repeated in {duration(wait)} if it still fires then"
            return Decision("held", "firing", "repetition", reason)
        return decision

    def next_due(self) -> float:
        """Return when the next group that waits is due, by the clock of `due`; infinity if none."""
        return min((self._due_at(g, 0.0) for g in self._waiting_since), default=math.inf)

    def _due_at(self, group: str, now: float) -> float:
        since = self._waiting_since.get(group, now) + self._timing.group_wait
        told = self.told.get(group)
        return since if told is None else max(since, told + self._timing.group_interval)

    def _can_be_repeated(self, one: KnownAlert) -> bool:
        return (
            one.is_told
            and one.told_status == "firing"
            and one.alert.state == "firing"
            and one.run_state == "running"
            and one.told_at is not None
            and not any(stage(one, "firing") for stage in STAGES.values())
        )


def _notices(
    said: Iterable[tuple[KnownAlert, ToldStatus]], by: GroupBy, *, is_repeat: bool = False
) -> list[Notification]:
    groups: dict[tuple[str, ToldStatus], list[KnownAlert]] = defaultdict(list)
    for one, status in said:
        groups[f"{status} {_group(one, by)}", status].append(one)
    return [
        Notification(group, status, tuple(sorted(members, key=lambda one: one.run_key)), is_repeat)
        for (group, status), members in sorted(groups.items())
    ]


def _group(one: KnownAlert, by: GroupBy) -> str:
    alert = one.alert
    within = {"rule": "", "job": alert.group or alert.run_id, "run": alert.run_id}[by]
    return f"{alert.rule} {within}".strip()
