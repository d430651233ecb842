"""The runs of a store as each is compared with the others of its job, those that ended included."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from lrwatch.alerts.watched_run import WatchedRun
from lrwatch.comparing import SiblingVerdicts, Trial, trial_of
from lrwatch.following import FollowedRun, judged
from lrwatch.verdicts import Diagnosis

__all__ = ["KeptSiblings"]


class KeptSiblings:
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
