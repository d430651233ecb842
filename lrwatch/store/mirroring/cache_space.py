"""Room for copies of stores: how much they may take, and whose steps go first when it is full."""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from lrwatch.errors import InvalidArgument
from lrwatch.store.layout import STEPS

__all__ = ["BYTES_VARIABLE", "CacheSpace", "note_use"]

BYTES_VARIABLE: Final = "LRWATCH_CACHE_BYTES"

_USUAL_BYTES: Final = 20 * 10**9
_KEPT_SHARE: Final = 0.8
"""What is left after making room, so that it need not be made again at once."""

_USED: Final = ".used"
"""File beside the parts of a run whose time stamp says when they were last asked for."""

_IN_USE_SECONDS: Final = 60.0
"""Steps that were asked for so recently are being read, and stay."""


class CacheSpace:
    """Counts the bytes below a folder, and removes steps that were not read for longest.

    Those of one run go together, and its ``run.json`` stays, so that it is still listed.

    Parameters
    ----------
    folder
        Folder of all copies.
    limit
        Bytes that they may have; what ``LRWATCH_CACHE_BYTES`` says, or 20 GB.
    """

    def __init__(self, folder: Path, limit: int | None = None) -> None:
        self._folder = folder
        self.limit = _limit(os.environ) if limit is None else limit
        self._lock = threading.Lock()
        self._used: int | None = None

    def add(self, n_bytes: int) -> None:
        """Count what was written, and make room if there is too much."""
        with self._lock:
            if self._used is not None and self._used + n_bytes <= self.limit:
                self._used += n_bytes
                return
            # Other processes write here as well: only a look at the folder tells.
            held = sorted(_held(self._folder))
            self._used = sum(n for _, n, _ in held)
            if self._used <= self.limit:
                return
            for read_at, n_held, steps in held:
                if self._used <= self.limit * _KEPT_SHARE:
                    return
                if time.time() - read_at > _IN_USE_SECONDS and _emptied(steps):
                    self._used -= n_held


def note_use(steps: Path) -> None:
    """Note that the steps of a run are being read; the folder is made if it is missing."""
    steps.mkdir(parents=True, exist_ok=True)
    # Time stamps of the folder tell when the run was written; those of a listing, when we looked.
    (steps / _USED).touch()


def _held(folder: Path) -> Iterator[tuple[float, int, Path]]:
    """Yield when the steps of each run were last asked for, their bytes, and their folder."""
    for path, folders, _ in os.walk(folder):
        if STEPS in folders:
            folders.remove(STEPS)
            steps = Path(path, STEPS)
            with contextlib.suppress(OSError):
                with os.scandir(steps) as found:
                    n_bytes = sum(item.stat().st_size for item in found)
                if n_bytes:
                    yield (steps / _USED).stat().st_mtime, n_bytes, steps


def _emptied(steps: Path) -> bool:
    try:
        known = steps.stat()
        for part in steps.iterdir():
            part.unlink(missing_ok=True)
        os.utime(steps, ns=(known.st_atime_ns, known.st_mtime_ns))  # they tell when it was written
    except OSError:
        return False
    return True


def _limit(environment: Mapping[str, str]) -> int:
    text = environment.get(BYTES_VARIABLE, "")
    try:
        limit = int(float(text)) if text else _USUAL_BYTES
    except (ValueError, OverflowError):
        limit = 0
    if limit <= 0:
        raise InvalidArgument(f"{BYTES_VARIABLE} must be a number of bytes, got {text!r:.40}")
    return limit
