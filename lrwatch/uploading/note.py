"""What a run's folder remembers of its way to an address: ``.upload.json`` in it.

Without it nothing is lost: what is there follows from the address. It says which run of this
folder is which one there, and the mark by which this folder's writer knows its own.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import msgspec

from lrwatch.plain_files import read_file, replacing

__all__ = ["NOTE", "UploadNote", "read_note", "write_note"]

NOTE: Final = ".upload.json"
_MOST_BYTES: Final = 2**20


@dataclass(frozen=True, slots=True)
class UploadNote:
    """Where a run goes.

    Attributes
    ----------
    address
        Address of the store.
    folder
        Name of the run's folder there; may still be another's unless `is_claimed`.
    mark
        What ``run.json`` there has as ``writer`` as long as this folder's rows are its rows.
    is_claimed
        Whether the name is this run's.
    is_lost
        Whether another writer has taken the run over, or somebody has removed it there.
    is_done
        Whether the run has ended and is there as a whole.
    parts
        Rows of each part that is known to be there; ``None`` before it was looked.
    """

    address: str
    folder: str
    mark: str = field(default_factory=lambda: uuid.uuid4().hex)
    is_claimed: bool = False
    is_lost: bool = False
    is_done: bool = False
    parts: tuple[tuple[int, int], ...] | None = None


def read_note(run: Path) -> UploadNote | None:
    """Return what a run's folder remembers; ``None`` if nothing that can be read."""
    try:
        content = read_file(run / NOTE, most=_MOST_BYTES)
        return None if content is None else msgspec.json.decode(content, type=UploadNote)
    except (OSError, ValueError, RecursionError):
        return None


def write_note(run: Path, note: UploadNote) -> None:
    """Have a run's folder remember it, if it can be written: one that is only read cannot."""
    with contextlib.suppress(OSError), replacing(run / NOTE) as aside:
        aside.write_text(json.dumps(dataclasses.asdict(note)), encoding="utf-8")
