"""Find the runs of a store: every folder below it that holds a run, the unreadable ones too."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lrwatch.errors import LrwatchError, RunNotFound
from lrwatch.records import RunInfo
from lrwatch.store.layout import RUN_JSON, STEPS
from lrwatch.store.run_info import read_run_info

__all__ = ["Catalog", "RunEntry", "list_runs"]

_DEPTH: Final = 4
"""Levels of folders that are searched below a store."""

_RECENT_NANOSECONDS: Final = 10_000_000_000
"""A folder changed so recently is looked into again: its time stamp may be too coarse to tell."""


@dataclass(frozen=True, slots=True)
class RunEntry:
    """A run found in a store.

    Attributes
    ----------
    key
        Path of its folder relative to the store, with ``/``; ``.`` if the store itself is a run.
    path
        Its folder.
    info
        What is known of it; ``None`` if ``run.json`` cannot be read.
    problem
        Why it, or a part of it, cannot be read; empty if all is well.
    last_write
        When one of its files was last written, seconds since the Unix epoch.
    """

    key: str
    path: Path
    info: RunInfo | None
    problem: str
    last_write: float


class Catalog:
    """Lists a store again and again; runs that have ended cost one look at their folder.

    Parameters
    ----------
    root
        Folder that holds the runs.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = Path(root)
        # By folder: when it was last changed, and the run that was found in it.
        self._ended: dict[str, tuple[int, RunEntry]] = {}

    def list_runs(self) -> list[RunEntry]:
        """List the runs, sorted by key.

        Raises
        ------
        RunNotFound
            If the store does not exist or is not a folder.
        """
        if not self.root.is_dir():
            what = "is not a folder" if self.root.exists() else "does not exist"
            raise RunNotFound(f"{self.root} {what}; give the folder that holds the runs")
        known, self._ended = self._ended, {}
        found = self._entries(os.fspath(self.root), known, _DEPTH)
        return sorted(found, key=lambda entry: entry.key)

    def _entries(
        self, folder: str, known: dict[str, tuple[int, RunEntry]], depth: int
    ) -> Iterator[RunEntry]:
        try:
            # Before its content, so that a change in between is seen the next time.
            changed = os.stat(folder).st_mtime_ns  # noqa: PTH116  a Path costs as much again
            ended = known.get(folder)
            if ended is not None and ended[0] == changed:
                self._ended[folder] = ended
                yield ended[1]
                return
            with os.scandir(folder) as found:
                items = list(found)
        except OSError:
            return  # vanished, or not ours to read: a store goes on without it
        if _is_run(items):
            entry = _entry(self.root, Path(folder), items)
            if _has_ended(entry) and time.time_ns() - changed > _RECENT_NANOSECONDS:
                self._ended[folder] = (changed, entry)
            yield entry
            return
        for item in items:
            if depth > 0 and not item.name.startswith(".") and item.is_dir():
                yield from self._entries(item.path, known, depth - 1)


def list_runs(root: str | os.PathLike[str]) -> list[RunEntry]:
    """List the runs in a folder, sorted by key.

    Raises
    ------
    RunNotFound
        If `root` does not exist or is not a folder.
    """
    return Catalog(root).list_runs()


def _has_ended(entry: RunEntry) -> bool:
    """Tell whether a later change must change the folder: resuming replaces ``run.json``."""
    return entry.info is not None and entry.info.status != "running"


def _is_run(items: list[os.DirEntry[str]]) -> bool:
    return any(
        item.name == RUN_JSON
        or (item.name.startswith("journal-") and item.name.endswith(".bin"))
        or (item.name == STEPS and item.is_dir())
        for item in items
    )


def _entry(store: Path, folder: Path, items: list[os.DirEntry[str]]) -> RunEntry:
    info, problem = None, ""
    try:
        info = read_run_info(folder)
    except LrwatchError as error:
        problem = str(error)
    return RunEntry(
        key=folder.relative_to(store).as_posix(),
        path=folder,
        info=info,
        problem=problem,
        # A name with a dot is a file being written, or no part of the run.
        last_write=max((_modified(i) for i in items if not i.name.startswith(".")), default=0.0),
    )


def _modified(item: os.DirEntry[str]) -> float:
    try:
        return item.stat().st_mtime
    except OSError:
        return 0.0
