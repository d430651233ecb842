"""Find the runs of a store: every folder below it that holds a run, the unreadable ones too."""

from __future__ import annotations

import logging
import os
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Final

from lrwatch.errors import LrwatchError, RunNotFound
from lrwatch.records import RunInfo
from lrwatch.store.labels import RunLabels, read_labels
from lrwatch.store.layout import LABELS, RUN_JSON, STEPS, folder_name
from lrwatch.store.mirroring.places import known_as, local_folder, mirror_of
from lrwatch.store.run_info import read_run_info

__all__ = ["Catalog", "RunEntry", "list_runs", "run_at"]

logger = logging.getLogger("lrwatch")

_DEPTH: Final = 4
"""Levels of folders that are searched below a store."""

_MOST_NAMES: Final = 1_000_000
"""Names that a listing looks at, in all, so that it takes seconds wherever it begins."""

_MOST_IN_FOLDER: Final = 200_000

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
        Why it cannot be read; empty if all is well. Names files of the run, and not its folder.
    last_write
        When one of its files was last written, seconds since the Unix epoch.
    labels
        What people said of it.
    """

    key: str
    path: Path
    info: RunInfo | None
    problem: str
    last_write: float
    labels: RunLabels = field(default_factory=RunLabels)

    @property
    def store(self) -> Path:
        """The folder in which it was found."""
        return self.path if self.key == "." else self.path.parents[self.key.count("/")]

    @property
    def last_seen(self) -> float:
        """When it ended, as it says itself, or was last written: copies of files are younger."""
        if self.info is None or self.info.status == "running" or not self.info.ended_at:
            return self.last_write
        return min(self.info.ended_at, self.last_write) if self.last_write else self.info.ended_at

    @property
    def shown_name(self) -> str:
        """What people call it: what it was renamed to, or its path in the store.

        A name that a folder cannot have, such as ``org/model``, stands for the folder's own.
        """
        if self.labels.name:
            return self.labels.name
        above, _, folder = (self.path.resolve().name if self.key == "." else self.key).rpartition(
            "/"
        )
        given = "" if self.info is None else self.info.name
        own = given if "/" in given and folder_name(given) == folder else folder
        return f"{above}/{own}" if above else own


class Catalog:
    """Lists a store again and again; runs that have ended cost one look at their folder.

    A link to a run's folder is a run of the store; a link to any other folder is not followed.

    Parameters
    ----------
    root
        Folder that holds the runs, or an address such as ``s3://bucket/runs``.
    """

    def __init__(self, root: str | os.PathLike[str]) -> None:
        self.root = local_folder(root)
        # By folder: when it was last changed, and the run that was found in it.
        self._ended: dict[str, tuple[int, RunEntry]] = {}
        self._is_warned = False

    def list_runs(self) -> list[RunEntry]:
        """List the runs, sorted by key.

        Raises
        ------
        RunNotFound
            If the store does not exist or is not a folder.
        StorageError
            If the store is at an address that cannot be reached.
        """
        if mirror := mirror_of(self.root):
            mirror.look()
        if not self.root.is_dir():
            what = "is not a folder" if self.root.exists() else "does not exist"
            raise RunNotFound(f"{known_as(self.root)} {what}; give the folder that holds the runs")
        known, self._ended = self._ended, {}
        return sorted(self._entries(known), key=lambda entry: entry.key)

    def _entries(self, known: dict[str, tuple[int, RunEntry]]) -> Iterator[RunEntry]:
        # Level by level, so that a large folder takes nothing from the runs beside it.
        waiting = deque([(os.fspath(self.root), _DEPTH)])
        n_names = 0
        while waiting:
            folder, depth = waiting.popleft()
            try:
                # Before its content, so that a change in between is seen the next time.
                changed = os.stat(folder).st_mtime_ns  # noqa: PTH116  a Path costs as much again
                ended = known.get(folder)
                if ended is not None and ended[0] == changed:
                    self._ended[folder] = ended
                    yield ended[1]
                    continue
                with os.scandir(folder) as found:
                    items = list(islice(found, _MOST_IN_FOLDER))
            except OSError:
                continue  # vanished, or not ours to read: a store goes on without it
            n_names += len(items)
            if _is_run(items):
                entry = _entry(self.root, Path(folder), items)
                if _has_ended(entry) and time.time_ns() - changed > _RECENT_NANOSECONDS:
                    self._ended[folder] = (changed, entry)
                yield entry
                continue
            if n_names > _MOST_NAMES:
                if not self._is_warned:
                    logger.warning(
                        "%s holds too many files, not all are searched", known_as(self.root)
                    )
                self._is_warned = True
                return
            waiting.extend(_below(items, depth))


def list_runs(root: str | os.PathLike[str]) -> list[RunEntry]:
    """List the runs in a folder once, as `Catalog.list_runs` does."""
    return Catalog(root).list_runs()


def run_at(path: str | os.PathLike[str]) -> RunEntry:
    """Return the run at a path or an address, as a list has it.

    One that is not there, or cannot be reached, has a problem.
    """
    try:
        folder = local_folder(path)
    except LrwatchError as error:
        return RunEntry(Path(path).name, Path(path), None, str(error), 0.0)
    try:
        with os.scandir(folder) as found:
            items = list(islice(found, _MOST_IN_FOLDER))
    except OSError:
        items = []
    return _entry(folder, folder, items)


def _has_ended(entry: RunEntry) -> bool:
    """Tell whether a later change must change the folder: resuming replaces ``run.json``."""
    return entry.info is not None and entry.info.status != "running"


def _below(items: list[os.DirEntry[str]], depth: int) -> Iterator[tuple[str, int]]:
    """Yield the folders to look into next, and how many levels below each."""
    for item in items:
        if depth > 0 and not item.name.startswith(".") and _is_folder(item):
            # Below a link may be anything: the whole disk, or the store once more.
            yield item.path, 0 if item.is_symlink() else depth - 1


def _is_folder(item: os.DirEntry[str]) -> bool:
    try:
        return item.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _is_run(items: list[os.DirEntry[str]]) -> bool:
    return any(
        item.name == RUN_JSON
        or (item.name.startswith("journal-") and item.name.endswith(".bin"))
        or (item.name == STEPS and _is_folder(item))
        for item in items
    )


def _entry(store: Path, folder: Path, items: list[os.DirEntry[str]]) -> RunEntry:
    info, problem = None, ""
    try:
        info = read_run_info(folder)
    except LrwatchError as error:
        problem = str(error)
    is_labelled = any(item.name == LABELS for item in items)
    return RunEntry(
        key=folder.relative_to(store).as_posix(),
        path=folder,
        info=info,
        problem=problem,
        last_write=max((_modified(item) for item in items if _is_of_steps(item)), default=0.0),
        labels=read_labels(folder) if is_labelled else RunLabels(),
    )


def _is_of_steps(item: os.DirEntry[str]) -> bool:
    """Tell what is written with the steps: a name with a dot is a file being written, or none."""
    return not item.name.startswith(".") and item.name != LABELS


def _modified(item: os.DirEntry[str]) -> float:
    try:
        return item.stat().st_mtime
    except OSError:
        return 0.0
