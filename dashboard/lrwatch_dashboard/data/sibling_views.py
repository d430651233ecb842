"""The views of runs with the verdicts that they have beside the others of their job."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Iterable, Mapping
from typing import Final

from lrwatch.comparing import SiblingVerdicts
from lrwatch.verdicts import Diagnosis
from lrwatch_dashboard.views import RunView

__all__ = ["SiblingViews"]

_SHARE: Final = 5.0  # a comparison of many runs waits for so many times what the last one took
_MANY: Final = 500  # more runs than these are listed before they are first compared ...
_PAUSE: Final = 2.0  # ... which waits for so many seconds while others are still judged


class SiblingViews:
    """Turns views of runs that were judged alone into those that are shown.

    Parameters
    ----------
    alone
        Whether runs are shown as they were judged, each by itself.
    """

    def __init__(self, *, alone: bool) -> None:
        self._alone = alone
        self._views: dict[str, RunView] = {}
        self._verdicts = SiblingVerdicts()
        self._found: dict[str, Diagnosis] = {}
        self._next: float | None = None
        self._is_stale = False

    def changed(
        self, views: Mapping[str, RunView], gone: Iterable[str], *, at_once: bool
    ) -> dict[str, RunView]:
        """Take views that are new; return all that are to be shown otherwise than before.

        Parameters
        ----------
        views
            By key of the run, judged alone.
        gone
            Keys of runs that are no longer there.
        at_once
            Whether to compare in any case: no more runs are waiting to be judged.
        """
        if self._alone:
            return dict(views)
        gone = set(gone)
        self._is_stale |= bool(views or gone)
        self._views = {k: v for k, v in {**self._views, **views}.items() if k not in gone}
        before = self._found
        if self._next is None:
            self._next = time.monotonic() + (_PAUSE if len(self._views) > _MANY else 0.0)
        if self._is_stale and (at_once or time.monotonic() >= self._next):
            self._found, self._is_stale = self._compared(), False
        shown = {key: self._shown(view) for key, view in views.items()}
        for key, found in self._found.items():
            if key not in shown and before.get(key) != found:
                shown[key] = self._shown(self._views[key])
        return shown

    def found(self, key: str) -> Diagnosis | None:
        """Return what is said of a run beside its siblings; ``None`` where runs are alone."""
        return self._found.get(key)

    def _compared(self) -> dict[str, Diagnosis]:
        started = time.monotonic()
        trials = [view.trial for view in self._views.values()]
        own = {key: v.diagnosis for key, v in self._views.items() if v.diagnosis is not None}
        found = self._verdicts.of(trials, own)
        now = time.monotonic()
        self._next = now + _SHARE * (now - started)
        return found

    def _shown(self, view: RunView) -> RunView:
        found = self._found.get(view.key)
        if view.diagnosis is None or found is None:
            return view
        trial = dataclasses.replace(view.trial, verdict=found.verdict)
        return dataclasses.replace(view, diagnosis=found, alone=view.diagnosis, trial=trial)
