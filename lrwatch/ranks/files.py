"""The files of the ranks of a run: who writes which, and what is in them.

Within the run's folder, one pair of files a process, which nobody else writes::

    ranks/0001/rank-00003.bin    a journal: a row for each stretch of steps
    ranks/0001/rank-00003.json   host, process, status, where it is; replaced atomically

Each start of the job has a folder of its own, so that a process that was started again, perhaps
as another rank, never writes into what an earlier one left.
"""

from __future__ import annotations

import re
from itertools import count
from pathlib import Path
from typing import Final

from lrwatch.plain_files import made_new
from lrwatch.store.layout import matching

__all__ = ["COLUMNS", "attempts", "journals", "new_attempt", "rank_path", "status_path"]

COLUMNS: Final = ("loss", "grad_norm", "seconds", "seconds_to_backward")
"""Columns of a rank's journal."""

_RANKS: Final = "ranks"
_ATTEMPT: Final = re.compile(r"\d{4,9}", re.ASCII)
_JOURNAL: Final = re.compile(r"rank-(\d{5,9})\.bin", re.ASCII)


def attempts(run: Path) -> list[Path]:
    """Return the folders of the starts of a run's job, the first one first."""
    found = [path for path, _ in matching(run / _RANKS, _ATTEMPT)]
    return sorted(found, key=lambda path: int(path.name))


def new_attempt(run: Path) -> Path:
    """Make the folder of one more start."""
    (run / _RANKS).mkdir(parents=True, exist_ok=True)
    first = max((int(path.name) for path in attempts(run)), default=0) + 1
    return made_new(run / _RANKS / f"{number:04d}" for number in count(first))


def journals(attempt: Path) -> dict[int, Path]:
    """Return the journal of each rank of a start."""
    return dict(sorted((int(name[1]), path) for path, name in matching(attempt, _JOURNAL)))


def rank_path(attempt: Path, rank: int) -> Path:
    """Return the journal of a rank."""
    return attempt / f"rank-{rank:05d}.bin"


def status_path(journal: Path) -> Path:
    """Return what a rank says of itself beside its journal."""
    return journal.with_suffix(".json")
