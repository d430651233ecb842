"""Every run of a store, followed: which alerts there are now, told or not."""

from __future__ import annotations

import logging
import math
import os
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from lrwatch.alert import Alert
from lrwatch.alerts.clock import Clock, steady_clock
from lrwatch.alerts.rules import RULES, Rule
from lrwatch.alerts.run_watch import RunWatch
from lrwatch.alerts.watcher_state import JudgedRun, RunState
from lrwatch.store import Catalog, RunEntry

__all__ = ["Peer", "Seen", "StoreView", "StoreWatch"]

logger = logging.getLogger("lrwatch.alerts")

_COPY_SECONDS: Final = 60.0
"""A folder of a run that lags so far behind another one of the same run is a copy."""


@dataclass(frozen=True, slots=True)
class Seen:
    """An alert, and the run that it is about.

    Attributes
    ----------
    alert
        In its present state.
    run_key
        Path of the run relative to the store.
    run_state
        What the run does.
    """

    alert: Alert
    run_key: str
    run_state: RunState


@dataclass(frozen=True, slots=True)
class Peer:
    """A run that others are counted with, and told from, in a message.

    Attributes
    ----------
    group
        Name that the runs of its job share.
    peak_lr
        Highest learning rate; NaN where none was recorded.
    """

    group: str | None
    peak_lr: float


@dataclass(frozen=True, slots=True)
class StoreView:
    """What one look at a store gave.

    Attributes
    ----------
    alerts
        Of the runs that were looked at.
    runs
        Runs that were written lately, by their path in the store.
    keys
        Paths of all runs in the store.
    judged
        Runs that have ended and need not be looked at again.
    """

    alerts: tuple[Seen, ...]
    runs: Mapping[str, Peer]
    keys: frozenset[str]
    judged: Mapping[str, JudgedRun]


class StoreWatch:
    """Follows the runs of a store; those that have ended are judged once and let go.

    Parameters
    ----------
    store
        Folder of runs.
    rules
        Which verdicts become alerts, and whether missing rows and unreadable files do.
    max_age
        Runs that were not written for so many seconds are not looked at.
    clock
        Does not jump.
    earlier
        Alerts as the last watcher left them.
    judged
        Runs that it had judged to their end.
    """

    def __init__(
        self,
        store: str | os.PathLike[str],
        rules: Sequence[Rule] = RULES,
        *,
        max_age: float,
        clock: Clock | None = None,
        earlier: Iterable[Alert] = (),
        judged: Mapping[str, JudgedRun] | None = None,
    ) -> None:
        self._catalog = Catalog(store)
        self._rules = rules
        self._max_age = max_age
        self._clock = steady_clock() if clock is None else clock
        self._earlier = {alert.id: alert for alert in earlier}
        self._judged = dict(judged or {})
        self._watches: dict[str, RunWatch] = {}
        self._faulty: set[str] = set()

    def look(self, *, seconds: float = math.inf) -> StoreView:
        """Read what is new in every run.

        Parameters
        ----------
        seconds
            For so long runs that have ended are judged, after those that are live; the rest is
            left for the next look, so that a heap of them holds up nobody.

        Raises
        ------
        RunNotFound
            If the store does not exist or is no folder.
        """
        entries = {entry.key: entry for entry in self._catalog.list_runs()}
        now = time.time()
        copies = _copies(entries.values(), now)
        fresh = {
            key: entry
            for key, entry in entries.items()
            if now - entry.last_write <= self._max_age and key not in copies
        }
        self._watches = {k: watch for k, watch in self._watches.items() if k in fresh}
        self._judged = {k: run for k, run in self._judged.items() if k in fresh}
        seen: list[Seen] = []
        for entry in fresh.values():
            if not _has_ended(entry) or entry.key in self._watches:
                seen += self._look_at(entry)
        deadline = time.monotonic() + seconds
        for entry in fresh.values():
            if _has_ended(entry) and not self._was_judged(entry):
                seen += self._look_at(entry)
                if time.monotonic() > deadline:
                    break
        return StoreView(tuple(seen), self._followed(), frozenset(entries), dict(self._judged))

    def _was_judged(self, entry: RunEntry) -> bool:
        judged = self._judged.get(entry.key)
        return judged is not None and judged.last_write == entry.last_write

    def _look_at(self, entry: RunEntry) -> Iterable[Seen]:
        try:
            seen = self._follow(entry)
        except Exception:
            # Whatever is odd about this run, the others are watched on.
            if entry.key not in self._faulty:
                logger.exception("the run at %s cannot be watched", entry.path)
            self._faulty.add(entry.key)
            return []
        self._faulty.discard(entry.key)
        return seen

    def _follow(self, entry: RunEntry) -> list[Seen]:
        self._judged.pop(entry.key, None)
        watch = self._watches.get(entry.key)
        is_other = watch is not None and entry.info is not None and entry.info.id != watch.run_id
        if watch is None or is_other:
            watch = RunWatch(entry, self._rules, self._clock, self._earlier)
            self._watches[entry.key] = watch
        watch.look(entry)
        # Should the run go on after it has ended, or after days, its episodes go on as well.
        self._earlier.update((alert.id, alert) for alert in watch.alerts)
        if watch.is_over:
            del self._watches[entry.key]
            self._judged[entry.key] = JudgedRun(entry.last_write, watch.group, watch.peak_lr)
        return [Seen(alert, entry.key, watch.run_state) for alert in watch.alerts]

    def _followed(self) -> dict[str, Peer]:
        ended = {k: Peer(run.group, run.peak_lr) for k, run in self._judged.items()}
        live = {k: Peer(watch.group, watch.peak_lr) for k, watch in self._watches.items()}
        return {**ended, **live}


def _copies(entries: Iterable[RunEntry], now: float) -> set[str]:
    """Return which folders hold a run as it was when it was copied, not as it is.

    Nobody writes there, and nobody has to be told so. A run that has ended says how, in each
    copy; and copies that are both written, from a common beginning, are both looked at.
    """
    folders: dict[str, list[RunEntry]] = defaultdict(list)
    for entry in entries:
        if entry.info is not None:
            folders[entry.info.id].append(entry)
    found: set[str] = set()
    for same in folders.values():
        times = (entry.last_write for entry in same)
        # What bears a time that is yet to come tells nothing of the others.
        last = max((at for at in times if at - now < _COPY_SECONDS), default=-math.inf)
        lagging = (e for e in same if last - e.last_write > _COPY_SECONDS)
        found.update(entry.key for entry in lagging if not _has_ended(entry))
    return found


def _has_ended(entry: RunEntry) -> bool:
    return entry.info is not None and entry.info.status != "running"
