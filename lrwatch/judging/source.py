"""What a run was when it was judged: whether it has changed since is told without reading it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from lrwatch.store import RunEntry
from lrwatch.store.layout import STEPS

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
        files = [*_sizes(entry.path, "journal-"), *_sizes(entry.path / STEPS, "part-")]
    except OSError:
        return ""
    said = repr((entry.info, sorted(files)))
    return hashlib.sha256(said.encode("utf-8", "backslashreplace")).hexdigest()[:32]


def _sizes(folder: Path, prefix: str) -> list[tuple[str, int]]:
    try:
        with os.scandir(folder) as found:
            return [(f.name, f.stat().st_size) for f in found if f.name.startswith(prefix)]
    except (FileNotFoundError, NotADirectoryError):
        return []
