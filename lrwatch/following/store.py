"""A store followed: which runs there are, each by one follower as long as it is the same run."""

from __future__ import annotations

import math
import os
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from lrwatch.following.run import FollowedRun
from lrwatch.store import Catalog, RunEntry

__all__ = ["FollowedStore"]

Followed = TypeVar("Followed", bound=FollowedRun[Any])

_COPY_SECONDS: Final = 60.0
"""A folder of a run that lags so far behind another one of the same run is a copy."""


class FollowedStore(Generic[Followed]):
    """Lists a store again and again, and keeps the follower of each run.

    Parameters
    ----------
    follow
        Makes the follower of a run that is new here.

    Attributes
    ----------
    runs
        Followers by the run's path in the store, as last listed.
    """

    def __init__(
        self, root: str | os.PathLike[str], follow: Callable[[RunEntry], Followed]
    ) -> None:
        self._catalog = Catalog(root)
        self._follow = follow
        self.runs: dict[str, Followed] = {}

    def relist(self) -> list[Followed]:
        """List the store; return the followers of runs that are gone, or are others now.

        Raises
        ------
        RunNotFound
            If the store does not exist or is not a folder.
        """
        known, self.runs = self.runs, {}
        try:
            entries = self._catalog.list_runs()
        except BaseException:
            self.runs = known
            raise
        for entry in entries:
            run = known.get(entry.key)
            is_other = run is not None and entry.info is not None and entry.info.id != run.run_id
            if run is None or is_other:
                run = self._follow(entry)
            else:
                run.relist(entry)
            self.runs[entry.key] = run
        return [run for key, run in known.items() if self.runs.get(key) is not run]

    def copies(self) -> set[str]:
        """Return which folders hold a run as it was when it was copied, not as it is.

        Nobody writes there, and nobody needs to hear of it. A run that has ended says how, in
        each copy; and copies that are both written, from a common beginning, are both followed.
        """
        folders: dict[str, list[RunEntry]] = defaultdict(list)
        for run in self.runs.values():
            if run.info is not None:
                folders[run.info.id].append(run.entry)
        found: set[str] = set()
        for same in folders.values():
            times = (entry.last_write for entry in same)
            # What bears a time that is yet to come tells nothing of the others.
            last = max((at for at in times if at - time.time() < _COPY_SECONDS), default=-math.inf)
            lagging = (e for e in same if last - e.last_write > _COPY_SECONDS)
            found.update(e.key for e in lagging if e.info and e.info.status == "running")
        return found
