"""Findings on runs that rest, remembered from one start of the dashboard to the next.

One file a store, in the user's cache folder and never in the store, which may be read-only. A
line is one run; the last line on a run counts, and a line that cannot be read is no line, so
that several processes may append at once and a full disk does no harm.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import os
import sys
import threading
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

from lrwatch import records
from lrwatch.store import RunEntry
from lrwatch_dashboard.data.finding import Finding

__all__ = ["CACHE_VARIABLE", "VerdictMemory", "cache_folder"]

logger = logging.getLogger("lrwatch_dashboard")

CACHE_VARIABLE: Final = "LRWATCH_CACHE_DIR"

_JUDGES: Final = (
    "alerts",
    "detect",
    "diagnosis",
    "following",
    "monitor.py",
    "records.py",
    "tables.py",
    "verdicts.py",
)
_SPARE_LINES: Final = 200  # lines that no longer count are taken out once they are more than ...
_SPARE_SHARE: Final = 0.5  # ... so many, and this share of all


class VerdictMemory:
    """Recalls what was found on a run, as long as neither the run nor the judging has changed.

    Parameters
    ----------
    folder
        Where the file is kept; made if it is missing.
    root
        The store that is followed.
    """

    def __init__(self, folder: Path, root: Path) -> None:
        name = hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:32]
        self._path = folder / f"{name}.jsonl"
        self._lock = threading.Lock()
        self._judges = _fingerprint()
        self._new: list[str] = []
        self._known: dict[str, dict[str, Any]] | None = None

    def recall(self, entry: RunEntry) -> Finding | None:
        """Return what was found on a run as it is listed; None if that is not known."""
        known = self._lines().get(entry.key)
        if known is None or known.get("state") != _state(entry):
            return None
        try:
            return Finding.from_text(known["finding"])
        except (KeyError, TypeError, ValueError, IndexError):
            return None

    def keep(self, entry: RunEntry, finding: Finding) -> None:
        """Remember a finding; it is written at the next `flush`."""
        plain = {
            "key": entry.key,
            "state": _state(entry),
            "judges": self._judges,
            "finding": finding.as_text(),
        }
        with self._lock:
            self._new.append(json.dumps(plain) + "\n")

    def flush(self) -> None:
        """Write what is new; if it cannot be written, it is forgotten."""
        with self._lock:
            lines, self._new = self._new, []
        if not lines:
            return
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
            with open(os.open(self._path, flags, 0o600), "a", encoding="utf-8") as file:  # noqa: PTH123
                file.writelines(lines)
        except OSError as error:
            logger.info("verdicts are not remembered: %s", error)

    def forget(self) -> None:
        """Give back the memory that the lines take; what was recalled stays with its owner."""
        self._known = {}

    def _lines(self) -> Mapping[str, dict[str, Any]]:
        """Return the last line on each run, read from the file the first time."""
        if self._known is None:
            self._known = {}
            with contextlib.suppress(OSError):
                self._read()
        return self._known

    def _read(self) -> None:
        known: dict[str, dict[str, Any]] = {}
        n_lines = 0
        with self._path.open(encoding="utf-8", errors="replace") as file:
            for n_lines, line in enumerate(file, start=1):  # noqa: B007
                with contextlib.suppress(KeyError, TypeError, ValueError):
                    plain = json.loads(line)
                    if plain["judges"] == self._judges:
                        known[str(plain["key"])] = plain
        self._known = known
        spare = n_lines - len(known)
        if spare > _SPARE_LINES and spare > _SPARE_SHARE * n_lines:
            self._rewrite(known.values())

    def _rewrite(self, lines: Iterable[dict[str, Any]]) -> None:
        aside = self._path.with_suffix(f".{os.getpid()}.tmp")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
        with open(os.open(aside, flags, 0o600), "w", encoding="utf-8") as file:  # noqa: PTH123
            file.writelines(json.dumps(line) + "\n" for line in lines)
        aside.replace(self._path)


def cache_folder(environment: Mapping[str, str]) -> Path | None:
    """Return where findings are kept; None if nowhere.

    ``LRWATCH_CACHE_DIR`` says so, and if it is empty nothing is kept; without it, it is the
    platform's folder for what can be made again.
    """
    if CACHE_VARIABLE in environment:
        chosen = environment[CACHE_VARIABLE]
        return Path(chosen) if chosen else None
    try:
        home = Path.home()
    except RuntimeError:
        return None  # a user without a home, as in a container
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA", home)) / "lrwatch" / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "lrwatch"
    return Path(environment.get("XDG_CACHE_HOME") or home / ".cache") / "lrwatch"


def _state(entry: RunEntry) -> str:
    """Return what changes whenever a run does."""
    info = entry.info
    said = None if info is None else (info.id, info.status, info.total_steps)
    return f"{said} {entry.last_write!r}"


def _fingerprint() -> str:
    """Return what changes whenever runs may be judged otherwise: version and source files."""
    try:
        said = version("lrwatch")
    except PackageNotFoundError:
        said = ""
    package = Path(records.__file__).parent
    files = [f for name in _JUDGES for f in (package / name, *sorted((package / name).glob("*")))]
    stats = [(f.name, f.stat().st_size, f.stat().st_mtime_ns) for f in files if f.is_file()]
    return hashlib.sha256(repr((said, stats)).encode()).hexdigest()[:16]
