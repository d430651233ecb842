"""The runs of a folder, judged in the background and handed out as view models.

One thread lists the folder and judges what is new whenever somebody looks, and rests
otherwise. Pages read what it published, so that a poll with nothing new costs next to nothing
and a big store does not hold up the first page.
"""

from __future__ import annotations

import dataclasses
import os
import threading
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from lrwatch.activity import Activity
from lrwatch.errors import LrwatchError, StorageError
from lrwatch.following import FollowedStore
from lrwatch.store import RunEntry, read_table
from lrwatch.store.mirroring.places import known_as, local_folder
from lrwatch_dashboard.data.activity_desk import ActivityDesk
from lrwatch_dashboard.data.alert_desk import AlertDesk
from lrwatch_dashboard.data.first_look import FirstLook
from lrwatch_dashboard.data.follower import Follower
from lrwatch_dashboard.data.job_facts import job_facts, rank_facts
from lrwatch_dashboard.data.judges import Judges, Judging
from lrwatch_dashboard.data.label_desk import LabelDesk
from lrwatch_dashboard.data.loaded_run import LoadedRuns
from lrwatch_dashboard.data.published import Published
from lrwatch_dashboard.data.sibling_views import SiblingViews
from lrwatch_dashboard.views import Overview, RunCurves, RunView, Window

__all__ = ["RunStore"]

_LISTING_WAIT: Final = 10.0  # seconds that a first page waits for the list of runs
_FIRST_WAIT: Final = 0.6  # ... and for verdicts
_STALE: Final = 5.0  # seconds after which a page waits for a new look before it is answered
_ROUND: Final = 0.25  # seconds of judging between two publications
_LISTING_PAUSE: Final = 1.0  # least seconds between two listings of the folder
_LISTING_SHARE: Final = 5.0  # ... and so many times what the last one took


class RunStore:
    """Answers the pages from a folder of runs; a `lrwatch_dashboard.views.RunSource`.

    Parameters
    ----------
    root
        Folder that holds the runs, or an address such as ``s3://bucket/runs``.
    threaded
        Whether a background thread does the work. Without it, call `refresh`.
    cache
        Folder in which verdicts are remembered for the next start; None remembers none.
    alone
        Whether each run is judged by itself, and not beside the others of its job.
    read_only
        Whether nothing may be written into the store: no labels, no silences.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        *,
        threaded: bool = True,
        cache: Path | None = None,
        alone: bool = False,
        read_only: bool = False,
    ) -> None:
        self.root = local_folder(root, look=False)
        self._threaded = threaded
        self.alerts = AlertDesk(self.root, self, is_read_only=read_only)
        self.labels = LabelDesk(self._path_of, self._look_again, is_read_only=read_only)
        self._activity = ActivityDesk(self.root, self._folders)
        self._judging = Judging(self.root, cache, Judges(None if threaded else 0))
        self._store = FollowedStore(self.root, self._follow)
        self._siblings = SiblingViews(alone=alone)
        self._first = FirstLook(self.root, alone=alone)
        self._lock = threading.Lock()
        self._published = Published()
        self._followers: dict[str, Follower] = {}
        self._loaded = LoadedRuns()
        self._shown: dict[str, tuple[Any, ...]] = {}
        self._wake, self._listed, self._caught_up = (threading.Event() for _ in range(3))
        self._worker: threading.Thread | None = None
        self._next_listing = 0.0
        self._refreshed_at = 0.0
        self._wanted = ""
        self._was_there = False

    def overview(self, since: str = "") -> Overview:
        """Return the table of runs, or what changed in it since a token."""
        self._look()
        with self._lock:
            now = self._published
            identity, _, number = since.partition(":")
            whole = identity != now.identity or not number.isdigit()
            seen = -1 if whole else int(number)
            rows = [row for key, row in now.views.items() if now.changed_at[key] > seen]
            gone = () if whole else tuple(k for k, at in now.gone_at.items() if at > seen)
            states = Counter(row.state for row in now.views.values())
            return Overview(
                folder=known_as(self.root),
                rows=tuple(sorted(rows, key=_by_triage)),
                removed=gone,
                whole=whole,
                token=now.token,
                n_runs=len(now.views),
                n_running=states["running"],
                verdicts=Counter(row.verdict for row in now.views.values()),
                problem=now.problem,
            )

    def run(self, key: str) -> RunView | None:
        """Return one run; None if there is no such run."""
        self._wanted = key
        self._look()
        with self._lock:
            now = self._published
            view = now.views.get(key)
            if view is None:
                return None
            order = [row.key for row in sorted(now.views.values(), key=_by_triage)]
            place, follower = order.index(key), self._followers.get(key)
        info = None if follower is None else follower.info
        ranks = "" if follower is None else rank_facts(follower.entry.path)
        return dataclasses.replace(
            view,
            job={} if info is None else job_facts(info, view.clock, ranks),
            previous=order[place - 1] if place else None,
            following=order[place + 1] if place + 1 < len(order) else None,
        )

    def runs(self, keys: Iterable[str] | None = None) -> tuple[RunView, ...]:
        """Return those of the runs that there are, in the order given; every run without keys."""
        self._look()
        with self._lock:
            views = self._published.views
            return tuple(views[key] for key in (views if keys is None else keys) if key in views)

    def curves(  # noqa: PLR0913  what is asked for is keyword-only
        self,
        key: str,
        window: Window | None = None,
        half_life: int | None = None,
        *,
        is_coarse: bool = False,
        names_schedule: bool = False,
        own: Sequence[str] = (),
        patience: float | None = None,
    ) -> RunCurves | None:
        """Return the curves of one run; None if there is no such run, or it cannot be read."""
        with self._lock:
            follower = self._followers.get(key)
        if follower is None or follower.info is None:
            return None
        path = follower.entry.path
        envelope = follower.envelope if is_coarse and window is None else None
        curves: RunCurves | None
        if envelope is not None and envelope.smooths(half_life or 0):
            curves = envelope.curves(half_life or 0, str(envelope.last_step))
        else:
            curves = self._loaded.curves(key, path, window, half_life)
        if curves is None:
            return None  # the run's view says what cannot be read
        found, waiting = self._loaded.own(key, path, own, window, patience) if own else ((), ())
        schedule = self._loaded.schedule(key, path) if names_schedule else ""
        token = f"{self._published.identity}:{curves.token}"
        return dataclasses.replace(
            curves, token=token, own=found, waiting=waiting, schedule=schedule
        )

    def rows(self, key: str) -> Any | None:
        """Return the rows of one run as a `pyarrow.Table`; None if there are none to be had."""
        path = self._path_of(key)
        try:
            return None if path is None else read_table(path)
        except (LrwatchError, OSError):
            return None

    def healthy(self) -> str:
        """Return an empty text if the folder can be listed, else the reason why not."""
        try:
            with os.scandir(self.root):
                return ""
        except OSError as error:
            return f"{known_as(self.root)}: {error.strerror}"

    def ready(self) -> str:
        """Return an empty text once the runs have been listed, else what pages wait for."""
        if self._threaded:
            self._start()
            self._wake.set()
        if not self._listed.is_set():
            return "the runs have not been listed yet"
        return "the folder of runs cannot be read" if self._published.problem else ""

    def activity(self, run: str = "") -> list[Activity]:
        """Return what people did lately in the store, or to one run of it; the latest first."""
        if not run:
            return self._activity.lately()
        return [] if self._path_of(run) is None else self._activity.of_run(run)

    def looked_ago(self) -> float | None:
        """Return how many seconds ago the folder was last looked at; None if it never was."""
        return time.monotonic() - self._refreshed_at if self._refreshed_at else None

    def refresh(self, budget_seconds: float | None = None) -> bool:
        """List the folder, judge what is new, publish; return whether all is done.

        Only one thread may call this at a time.
        """
        if time.monotonic() >= self._next_listing or budget_seconds is None:
            self._list()
        limit = float("inf") if budget_seconds is None else budget_seconds
        deadline = time.monotonic() + limit
        waiting = self._judging.hand_out(self._waiting(), self._wanted)
        patience = 0.0 if waiting else min(limit, _ROUND)
        done = not self._judging.collect(self._followers, patience)
        for n_advanced, follower in enumerate(waiting):
            # One at least, so that a short budget gets there in the end.
            if n_advanced and time.monotonic() > deadline:
                done = False
                break
            done &= follower.catch_up(deadline)
            self._judging.let_rest(follower)
        self._publish(done=done)
        if done:
            self._first.forget()
        self._judging.memory.flush()
        self._refreshed_at = time.monotonic()
        return done

    def _path_of(self, key: str) -> Path | None:
        with self._lock:
            follower = self._followers.get(key)
        return None if follower is None else follower.entry.path

    def _folders(self) -> set[Path]:
        with self._lock:
            return {follower.entry.path.parent for follower in self._followers.values()}

    def _look_again(self) -> None:
        """Have the next page wait for a new look at the folder."""
        self._next_listing = self._refreshed_at = 0.0

    def _look(self) -> None:
        """Have the folder looked at, and wait for it if nothing is known yet."""
        if not self._threaded:
            return
        is_new = self._worker is None or not self._worker.is_alive()
        if is_new:
            self._start()
        # While verdicts are worked out nobody waits for them: they come with the polls.
        is_idle = self._caught_up.is_set()
        is_stale = is_idle and time.monotonic() - self._refreshed_at > _STALE
        if is_stale:
            self._caught_up.clear()
        self._wake.set()
        self._listed.wait(_LISTING_WAIT)
        if is_new or is_stale:
            self._caught_up.wait(_FIRST_WAIT)

    def _start(self) -> None:
        with self._lock:
            # Started here and not with the object: a forked server must start its own.
            if self._worker is None or not self._worker.is_alive():
                self._worker = threading.Thread(target=self._work, name="lrwatch", daemon=True)
                self._worker.start()

    def _work(self) -> None:
        while True:
            self._wake.wait()
            self._wake.clear()
            while not self.refresh(_ROUND):
                pass
            self._caught_up.set()

    def _list(self) -> None:
        if not self._listed.is_set():
            self._begin()
        started = time.monotonic()
        gone: list[Follower] = []
        try:
            gone, problem = self._store.relist(), ""
            self._was_there = True
        except StorageError as error:
            problem = str(error)  # what was seen of the store is still shown
        except (LrwatchError, OSError) as error:
            self._store.runs = {}
            # A folder that nobody has made yet is a store without a run; one that is gone is not.
            is_to_come = not self._was_there and not os.path.lexists(self.root)
            problem = "" if is_to_come else str(error)
        took = time.monotonic() - started
        self._next_listing = started + max(_LISTING_PAUSE, _LISTING_SHARE * took)
        self._judging.memory.forget()  # each run has taken what it needs
        for follower in self._store.runs.values():
            self._judging.let_rest(follower)
        with self._lock:
            self._published.revision += problem != self._published.problem
            self._published.problem = problem
            self._followers = dict(self._store.runs)
        self._loaded.forget(follower.entry.key for follower in gone)
        if not self._listed.is_set():
            # The first page shows the runs at once, and their verdicts as they come.
            self._publish(done=False)
            self._listed.set()

    def _begin(self) -> None:
        """Publish what the store's table says, before the store is listed."""
        views = self._first.read()
        if views:
            self._shown = dict.fromkeys(views, ())
            with self._lock:
                self._published.replace(views)
            self._listed.set()

    def _follow(self, entry: RunEntry) -> Follower:
        follower = Follower(entry)
        self._judging.recall(follower)
        return follower

    def _waiting(self) -> list[Follower]:
        """Return the runs that need work, the most wanted first."""

        def urgency(follower: Follower) -> tuple[bool, bool, bool, float]:
            entry = follower.entry
            is_over = entry.info is None or follower.has_ended
            # What was judged once costs little to follow, so live runs stay live meanwhile.
            is_unknown = follower.diagnosis is None
            return entry.key != self._wanted, is_unknown, is_over, -entry.last_write

        return sorted((f for f in self._followers.values() if f.needs_work()), key=urgency)

    def _publish(self, *, done: bool) -> None:
        gone = set(self._shown.keys() - self._followers.keys())
        views = self._siblings.changed(self._changed(), gone, at_once=done)
        for key, follower in self._followers.items():
            found = self._siblings.found(key)
            if found is not None and not follower.has_ended:
                follower.beside(found)
        # What siblings say may raise an alert, or take one back.
        views |= self._siblings.changed(self._changed(), (), at_once=False)
        with self._lock:
            self._published.replace(views, gone=gone)
        for key in gone:
            del self._shown[key]

    def _changed(self) -> dict[str, RunView]:
        """Return views of the runs that changed since they were last asked for."""
        views: dict[str, RunView] = {}
        for key, follower in self._followers.items():
            shown = follower.shown()
            if self._shown.get(key) != shown:
                self._shown[key] = shown
                views[key] = self._first.filled(follower.view())
        return views


def _by_triage(view: RunView) -> tuple[float, str]:
    return view.rank, view.key
