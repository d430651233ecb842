"""Findings on runs that rest, remembered from one start of the dashboard to the next.

One SQLite file a store, in the user's cache folder and never in the store, which may be read-only.
Several processes may use it at once; what cannot be read or written is not remembered.
"""

from __future__ import annotations

import logging
import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from lrwatch.cache_folder import store_mark
from lrwatch.judging.judges import judges
from lrwatch.judging.rows import text
from lrwatch.store import RunEntry
from lrwatch_dashboard.data.run_digest import RunDigest

__all__ = ["VerdictMemory"]

logger = logging.getLogger("lrwatch_dashboard")

_TABLE: Final = "findings (key text primary key, state text, judges text, found blob)"


class VerdictMemory:
    """Recalls what was found on a run, as long as neither the run nor the judging has changed.

    The folder is made if it is missing; None remembers nothing.
    """

    def __init__(self, folder: Path | None, root: Path) -> None:
        self._path = None if folder is None else folder / f"{store_mark(root)}.sqlite"
        self._judges = judges("alerts")
        self._new: list[tuple[str, str, str, bytes]] = []
        self._known: dict[str, tuple[str, bytes]] | None = None

    def recall(self, entry: RunEntry) -> RunDigest | None:
        """Return what was found on a run as it is listed; None if that is not known."""
        if self._known is None:
            self._known = self._read()
        state, found = self._known.get(text(entry.key), ("", b""))
        if state != _state(entry):
            return None
        try:
            return RunDigest.from_bytes(found)
        except (TypeError, ValueError):
            return None

    def keep(self, entry: RunEntry, finding: RunDigest) -> None:
        """Remember a finding; it is written at the next `flush`."""
        if self._path is not None:
            self._new.append((text(entry.key), _state(entry), self._judges, finding.as_bytes()))

    def flush(self) -> None:
        """Write what is new; if it cannot be written, it is forgotten."""
        new, self._new = self._new, []
        if not new or self._path is None:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            with _opened(self._path) as file:
                file.executemany("insert or replace into findings values (?, ?, ?, ?)", new)
        except (OSError, sqlite3.Error) as error:
            logger.info("verdicts are not remembered: %s", error)

    def forget(self) -> None:
        """Give back the memory that findings take; what was recalled stays with its owner."""
        self._known = {}

    def _read(self) -> dict[str, tuple[str, bytes]]:
        if self._path is None or not self._path.is_file():
            return {}
        chosen = "select key, state, found from findings where judges = ?"
        try:
            with _opened(self._path) as file:
                rows = file.execute(chosen, (self._judges,)).fetchall()
        except (OSError, sqlite3.Error) as error:
            logger.info("what was remembered cannot be read: %s", error)
            if type(error) is sqlite3.DatabaseError:  # damaged, and not merely in use
                self._path.unlink(missing_ok=True)
            return {}
        return {key: (state, found) for key, state, found in rows}


@contextmanager
def _opened(path: Path) -> Iterator[sqlite3.Connection]:
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    with closing(sqlite3.connect(path)) as file, file:
        file.execute(f"create table if not exists {_TABLE}")
        yield file


def _state(entry: RunEntry) -> str:
    """Return what changes whenever a run does."""
    info = entry.info
    said = None if info is None else (info.id, info.status, info.total_steps)
    return f"{said} {entry.last_write!r}"
