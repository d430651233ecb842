"""The rows of the runs that were looked at last, within a budget of memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from lrwatch.errors import LrwatchError
from lrwatch_dashboard.data.loaded_run import LoadedRun
from lrwatch_dashboard.views import RunCurves, Window

__all__ = ["LoadedRuns"]

_MOST: Final = 24  # runs whose lines stay in memory; a comparison holds up to 20
_MOST_BYTES: Final = 120_000_000  # ... and of whose rows so much


class LoadedRuns:
    """Reads runs, and keeps those that were asked for last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, LoadedRun] = OrderedDict()

    def curves(
        self, key: str, path: Path, window: Window | None, half_life: int | None
    ) -> RunCurves | None:
        """Return the lines of a run, as `LoadedRun.curves` does; None if it cannot be read."""
        try:
            curves = self._history(key, path).curves(window, half_life)
        except (LrwatchError, OSError):
            return None
        self._trim()
        return curves

    def forget(self, keys: Iterable[str]) -> None:
        """Let go of runs that are gone, or others now."""
        with self._lock:
            for key in keys:
                self._kept.pop(key, None)

    def _history(self, key: str, path: Path) -> LoadedRun:
        with self._lock:
            history = self._kept.get(key)
            if history is None:
                history = self._kept[key] = LoadedRun(path)
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
            return history

    def _trim(self) -> None:
        """Let go of the rows of runs that were looked at longest ago; the last one stays."""
        with self._lock:
            histories = list(self._kept.values())
        n_bytes = sum(history.n_bytes for history in histories)
        for history in histories[:-1]:
            if n_bytes <= _MOST_BYTES:
                break
            n_bytes -= history.n_bytes
            history.release()
