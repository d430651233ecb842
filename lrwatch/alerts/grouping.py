"""Who is told of what, when: a sweep is one message, and nothing is said twice too soon.

Alertmanager's model: the first alert of a group waits a moment for others of its kind
(``group_wait``), further ones wait for the next message of the group (``group_interval``), and
what still fires on a run that goes on is said again after ``repeat_interval``.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from lrwatch.alert import State
from lrwatch.alerts.watcher_state import KnownAlert, ToldStatus

__all__ = ["GroupBy", "Groups", "Notice", "Timing"]

GroupBy = Literal["rule", "job", "run"]
"""What goes into one message: all runs of the store, those of one job, or one run."""

_TELLABLE: Final[tuple[State, ...]] = ("firing", "recovering", "closed")


@dataclass(frozen=True, slots=True)
class Timing:
    """How soon and how often people are told, in seconds.

    Attributes
    ----------
    group_wait
        How long the first alert of a group waits for others.
    group_interval
        Least time between two messages about one group.
    repeat_interval
        After which an alert that still fires on a run that goes on is said again.
    max_age
        Runs that were not written for longer are not looked at.
    """

    group_wait: float = 1.0
    group_interval: float = 300.0
    repeat_interval: float = 4 * 3600.0
    max_age: float = 86400.0


@dataclass(frozen=True, slots=True)
class Notice:
    """Alerts of one rule that people are told of together.

    Attributes
    ----------
    group
        Name of the group.
    status
        What is said of them.
    alerts
        At least one; all of one rule.
    is_repeat
        It was said before.
    """

    group: str
    status: ToldStatus
    alerts: tuple[KnownAlert, ...]
    is_repeat: bool = False


class Groups:
    """Remembers when each group was told, and says what is due.

    Parameters
    ----------
    timing
        How soon and how often.
    by
        What a group is.
    told
        When each group was last told.
    now
        The time; what was told later than that, by a clock that was set back, counts as now.
    """

    def __init__(self, timing: Timing, by: GroupBy, told: Mapping[str, float], now: float) -> None:
        self._timing = timing
        self._by = by
        self._waiting_since: dict[str, float] = {}
        self.told = {group: min(at, now) for group, at in told.items()}

    def due(
        self, known: Collection[KnownAlert], now: float, *, at_once: bool = False
    ) -> list[Notice]:
        """Return what people are to be told now.

        Parameters
        ----------
        known
            What they may be told of: alerts of runs that were written lately.
        now
            Seconds since the Unix epoch, by a clock that does not jump.
        at_once
            Nothing waits: there will be no later.
        """
        waiting = [
            *_notices(filter(_is_news, known), "firing", self._by),
            *_notices(filter(_is_over, known), "resolved", self._by),
        ]
        interval = self._timing.group_interval
        self.told = {group: at for group, at in self.told.items() if now - at < interval}
        groups = {notice.group for notice in waiting}
        self._waiting_since = {g: self._waiting_since.get(g, now) for g in groups}
        due = [n for n in waiting if at_once or now >= self._due_at(n.group)]
        again = filter(lambda one: self._is_to_be_repeated(one, now), known)
        due += _notices(again, "firing", self._by, is_repeat=True)
        for notice in due:
            self.told[notice.group] = now
            self._waiting_since.pop(notice.group, None)
        return due

    def next_due(self) -> float:
        """Return when the next group that waits is due, by the clock of `due`; infinity if none."""
        return min(map(self._due_at, self._waiting_since), default=math.inf)

    def _due_at(self, group: str) -> float:
        since = self._waiting_since[group] + self._timing.group_wait
        told = self.told.get(group)
        return since if told is None else max(since, told + self._timing.group_interval)

    def _is_to_be_repeated(self, one: KnownAlert, now: float) -> bool:
        return (
            one.is_told
            and one.told_status == "firing"
            and one.alert.state == "firing"
            and one.run_state == "running"
            and not one.is_quiet
            and one.told_at is not None
            and now - min(one.told_at, now) >= self._timing.repeat_interval
        )


def _is_news(one: KnownAlert) -> bool:
    return one.alert.state in _TELLABLE and not one.is_told and not one.is_quiet


def _is_over(one: KnownAlert) -> bool:
    is_due = one.is_told and one.told_status == "firing" and one.alert.state == "resolved"
    # Whoever looks after it wants to know that it is over.
    return is_due and not one.inhibited and one.silenced_by is None


def _notices(
    alerts: Iterable[KnownAlert], status: ToldStatus, by: GroupBy, *, is_repeat: bool = False
) -> list[Notice]:
    groups: dict[str, list[KnownAlert]] = defaultdict(list)
    for one in alerts:
        groups[f"{status} {_group(one, by)}"].append(one)
    return [
        Notice(group, status, tuple(sorted(members, key=lambda one: one.run_key)), is_repeat)
        for group, members in sorted(groups.items())
    ]


def _group(one: KnownAlert, by: GroupBy) -> str:
    alert = one.alert
    within = {"rule": "", "job": alert.group or alert.run_id, "run": alert.run_id}[by]
    return f"{alert.rule} {within}".strip()
