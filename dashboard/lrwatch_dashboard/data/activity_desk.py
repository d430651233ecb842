"""What people did in a store, read now and then: every page that is open asks every two seconds."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Final

from lrwatch.activity import Activity
from lrwatch.store.activity_log import ACTIVITY, read_activity

__all__ = ["ActivityDesk"]

_LAST: Final = 20
_SECONDS: Final = 3.0  # for which what was read serves everybody who asks
_SEARCH_SECONDS: Final = 30.0  # ... and for which it is known in which folders there is a file


class ActivityDesk:
    """Reads what people did in a store.

    Parameters
    ----------
    root
        The store.
    folders
        Returns those in it that hold runs.
    """

    def __init__(self, root: Path, folders: Callable[[], Collection[Path]]) -> None:
        self._root, self._folders = root, folders
        self._lock = threading.Lock()
        self._found: list[Path] = []
        self._lately: list[Activity] = []
        self._found_until = self._lately_until = 0.0

    def lately(self) -> list[Activity]:
        """Return what was done in the store, the latest first."""
        with self._lock:
            now = time.monotonic()
            if now >= self._found_until:
                self._found = [f for f in self._folders() if os.path.lexists(f / ACTIVITY)]
                self._found_until = now + _SEARCH_SECONDS
            if now >= self._lately_until:
                self._lately = read_activity(self._root, self._found, last=_LAST)[::-1]
                self._lately_until = now + _SECONDS
            return self._lately

    def of_run(self, key: str) -> list[Activity]:
        """Return what was done to a run that is in the store, the latest first."""
        return read_activity(self._root, run=key, last=_LAST)[::-1]
