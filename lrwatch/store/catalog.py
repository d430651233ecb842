"""Find the runs of a store: every folder below it that holds a run, the unreadable ones too."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lrwatch.errors import LrwatchError, RunNotFound
from lrwatch.records import RunInfo
from lrwatch.store.layout import RUN_JSON, STEPS
from lrwatch.store.run_info import read_run_info

__all__ = ["RunEntry", "list_runs"]

_DEPTH = 4
"""Levels of folders that are searched below a store."""


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


def list_runs(root: str | os.PathLike[str]) -> list[RunEntry]:
    """List the runs in a folder, sorted by key.

    Raises
    ------
    RunNotFound
        If `root` does not exist or is no folder.
    """
    store = Path(root)
    if not store.is_dir():
        what = "is no folder" if store.exists() else "does not exist"
        raise RunNotFound(f"{store} {what}; give the folder that holds the runs")
    return sorted(_entries(store, store, _DEPTH), key=lambda entry: entry.key)


def _entries(store: Path, folder: Path, depth: int) -> Iterator[RunEntry]:
    try:
        with os.scandir(folder) as found:
            items = list(found)
    except OSError:
        return  # vanished, or not ours to read: a store goes on without it
    if _is_run(items):
        yield _entry(store, folder, items)
        return
    for item in items:
        if depth > 0 and not item.name.startswith(".") and item.is_dir():
            yield from _entries(store, Path(item.path), depth - 1)


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
        last_write=max((_modified(item) for item in items), default=0.0),
    )


def _modified(item: os.DirEntry[str]) -> float:
    try:
        return item.stat().st_mtime
    except OSError:
        return 0.0
