"""What a run was when it was judged: whether it has changed since is told without reading it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from lrwatch.errors import StorageUnavailable
from lrwatch.store import RunEntry
from lrwatch.store.layout import LABELS, RUN_JSON, STEPS
from lrwatch.store.mirroring.places import known_as, mirror_of

__all__ = ["source_of"]


def source_of(entry: RunEntry) -> str:
    """Return a digest of what a run consists of: what ``run.json`` says, its files, their sizes.

    Parts never change, and a journal grows with every row. No time of a file is in it, so that a
    store that was copied is known as it was.

    Returns
    -------
    str
        Empty for a run whose files cannot be listed.
    """
    try:
        files = _files(entry.path)
    except OSError:
        return ""
    said = repr((entry.info, sorted(files)))
    return hashlib.sha256(said.encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _files(run: Path) -> list[tuple[str, int]]:
    if mirror := mirror_of(run):
        listed = mirror.files_of(run)
        if listed is None:
            raise StorageUnavailable(f"{known_as(run)} has not been seen yet")
        # Parts are fetched when they are read: what is here says nothing.
        rows = ((name.removeprefix(f"{STEPS}/"), item) for name, item in listed.items())
        return [(name, item.size) for name, item in rows if name not in (RUN_JSON, LABELS)]
    return [*_sizes(run, "journal-"), *_sizes(run / STEPS, "part-")]


def _sizes(folder: Path, prefix: str) -> list[tuple[str, int]]:
    try:
        with os.scandir(folder) as found:
            return [(f.name, f.stat().st_size) for f in found if f.name.startswith(prefix)]
    except (FileNotFoundError, NotADirectoryError):
        return []
