"""Every run of a store, followed: which alerts there are now, sent or not."""

from __future__ import annotations

import contextlib
import logging
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from lrwatch.alert import Alert
from lrwatch.alerts.rules import RULES, Rule
from lrwatch.alerts.watched_run import WatchedRun
from lrwatch.alerts.watcher_state import JudgedRun, KnownAlert
from lrwatch.comparing import SiblingVerdicts, Trial, trial_of
from lrwatch.following import Clock, FollowedRun, FollowedStore, judged, steady_clock
from lrwatch.verdicts import Diagnosis

__all__ = ["StoreView", "StoreWatch"]

logger = logging.getLogger("lrwatch.alerts")


@dataclass(frozen=True, slots=True)
class StoreView:
    """What one look at a store gave.

    Attributes
    ----------
    alerts
        Of the runs that were looked at; who knows of them is not filled in.
    runs
        Runs that were written recently, by their path in the store.
    keys
        Paths of all runs in the store.
    judged
        Those of `runs` that have ended and need not be looked at again.
    """

    alerts: tuple[KnownAlert, ...]
    runs: Mapping[str, JudgedRun]
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
        Runs that ended, or were not written, for so many seconds are not looked at.
    clock
        Does not jump.
    earlier
        Alerts as the last watcher left them.
    judged
        Runs that it had judged to their end.
    alone
        Whether each run is judged by itself, and not beside the others of its job.
    """

    def __init__(  # noqa: PLR0913  its options are keyword-only
        self,
        store: str | os.PathLike[str],
        rules: Sequence[Rule] = RULES,
        *,
        max_age: float,
        clock: Clock | None = None,
        earlier: Iterable[Alert] = (),
        judged: Mapping[str, JudgedRun] | None = None,
        alone: bool = False,
    ) -> None:
        clock = steady_clock() if clock is None else clock
        self._earlier = {alert.id: alert for alert in earlier}
        self._store = FollowedStore(
            store, lambda entry: WatchedRun(entry, rules, clock, self._earlier)
        )
        self._max_age = max_age
        self._judged = dict(judged or {})
        self._faulty: set[str] = set()
        self._siblings = None if alone else _KeptSiblings()

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
            If the store does not exist or is not a folder.
        """
        self._store.relist()
        copies, now = self._store.copies(), time.time()
        fresh = {
            key: run
            for key, run in self._store.runs.items()
            if now - run.entry.last_seen <= self._max_age and key not in copies
        }
        self._judged = {k: known for k, known in self._judged.items() if k in fresh}
        written = {key: known.last_write for key, known in self._judged.items()}
        due = [run for key, run in fresh.items() if written.get(key) != run.entry.last_write]
        backlog = [run for run in due if _is_backlog(run)]
        live = [run for run in due if not _is_backlog(run)]
        deadline = time.monotonic() + seconds
        looked_at = [run for run in live if self._advance(run)]
        for run in backlog:
            looked_at += [run] if self._advance(run) else []
            if time.monotonic() > deadline:
                break
        if self._siblings is not None:
            self._siblings.judge(fresh, looked_at, deadline)
        seen = [one for run in looked_at for one in self._settle(run)]
        runs = {k: _as_judged(run) for k, run in fresh.items() if not _is_backlog(run)}
        return StoreView(
            tuple(seen), {**runs, **self._judged}, frozenset(self._store.runs), dict(self._judged)
        )

    def _advance(self, run: WatchedRun) -> bool:
        """Read what is new in a run; return whether it can be watched."""
        self._judged.pop(run.entry.key, None)
        with self._guarded(run):
            if run.needs_work():
                run.advance()
            return True
        return False

    def _settle(self, run: WatchedRun) -> list[KnownAlert]:
        """Return the alerts of a run that was read; let go of one that has ended."""
        key = run.entry.key
        with self._guarded(run):
            run.settle()
            alerts = run.alerts
            self._faulty.discard(key)
            # Should the run go on after it has ended, or after days, its episodes go on as well.
            self._earlier.update((alert.id, alert) for alert in alerts)
            if run.is_over:
                self._judged[key] = _as_judged(run)
                run.begin()
            return [KnownAlert(alert, key, run.state) for alert in alerts]
        return []

    @contextlib.contextmanager
    def _guarded(self, run: WatchedRun) -> Iterator[None]:
        """Whatever is odd about this run, it is said once, and the others are watched."""
        try:
            yield
        except Exception:
            if run.entry.key not in self._faulty:
                logger.exception("the run at %s cannot be watched", run.entry.path)
            self._faulty.add(run.entry.key)


def _is_backlog(run: WatchedRun) -> bool:
    """Tell a run that has ended, and whose rows were not read yet."""
    return run.has_ended and not run.summary.n_rows


def _as_judged(run: WatchedRun) -> JudgedRun:
    peak_lr = run.summary.peak_lr
    return JudgedRun(
        run.entry.last_write,
        None if run.info is None else run.info.group,
        math.nan if peak_lr is None else peak_lr,
    )


class _KeptSiblings:
    """Keeps what runs came to after they were let go, and judges runs beside one another."""

    def __init__(self) -> None:
        self._verdicts = SiblingVerdicts()
        self._known: dict[str, tuple[float, Trial, Diagnosis]] = {}

    def judge(
        self, fresh: Mapping[str, WatchedRun], looked_at: Iterable[WatchedRun], deadline: float
    ) -> None:
        """Tell runs that were read now what their siblings say of them.

        Parameters
        ----------
        fresh
            Runs to compare with, by their path in the store.
        looked_at
            Those of them that were read.
        deadline
            Time of `time.monotonic` until which runs that an earlier watcher judged are read
            again; the rest is left for the next look.
        """
        looked_at = list(looked_at)
        self._known = {key: known for key, known in self._known.items() if key in fresh}
        for run in looked_at:
            self._keep(run.entry.key, run)
        if looked_at:
            self._recall(fresh, deadline)
        trials = [trial for _, trial, _ in self._known.values()]
        own = {key: found for key, (_, _, found) in self._known.items()}
        found = self._verdicts.of(trials, own)
        for run in looked_at:
            if run.entry.key in found:
                run.beside(found[run.entry.key])

    def _recall(self, fresh: Mapping[str, WatchedRun], deadline: float) -> None:
        for key, run in fresh.items():
            if time.monotonic() > deadline:
                return
            known = self._known.get(key)
            is_old = known is None or known[0] != run.entry.last_write
            if is_old and run.has_ended and not run.summary.n_rows:
                self._keep(key, judged(run.entry))

    def _keep(self, key: str, run: FollowedRun[Any]) -> None:
        if run.diagnosis is not None and not run.problem:
            # A run that is let go begins with another summary; this one stays.
            trial = replace(trial_of(run), key=key)
            self._known[key] = run.entry.last_write, trial, run.diagnosis
