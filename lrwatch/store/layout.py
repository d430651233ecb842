"""Every file name in a run folder, and which file holds which rows.

A run folder::

    run.json                                      identity, config, status; replaced atomically
    labels.json                                   what people said of it, if they did
    steps/part-000000000000-000000016384.parquet  rows 0 to 16,383; never changed once it is there
    journal-000000016384.bin                      the open tail: rows from 16,384 on

Beside the runs lies ``.lrwatch-activity.jsonl``, what people did to them.

Rows are numbered from 0 in the order in which they were written. The names alone decide who
holds a row, so a crash between two file operations doubles and loses none: a part within the
range of another part is ignored (the two were merged), a journal gives only rows that no part
has, and of two journals the later one is right where both have a row. A row in no file is lost:
its record was damaged, say.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import TypeVar

from lrwatch.store.faults import reading

__all__ = [
    "ACTIVITY",
    "EARLIER_ACTIVITY",
    "JOURNAL",
    "LABELS",
    "PART",
    "RUN_JSON",
    "STEPS",
    "Extent",
    "covering",
    "extents",
    "folder_name",
    "is_run",
    "journal_path",
    "journals",
    "matching",
    "part_name",
    "part_path",
    "part_rows",
    "parts",
]

ACTIVITY = ".lrwatch-activity.jsonl"
EARLIER_ACTIVITY = ".lrwatch-activity.1.jsonl"
LABELS = "labels.json"
RUN_JSON = "run.json"
STEPS = "steps"

PART = re.compile(r"part-(\d{12})-(\d{12})\.parquet", re.ASCII)
JOURNAL = re.compile(r"journal-(\d{12})\.bin", re.ASCII)

Rows = TypeVar("Rows", bound=tuple[int, int])


@dataclass(frozen=True, slots=True, order=True)
class Extent:
    """Rows `first` up to, not including, `stop` of a run, and the file that holds them.

    `base` is the number of the file's own first row, `stop` is ``None`` for the open tail.
    """

    first: int
    stop: int | None
    base: int
    path: Path

    @property
    def is_part(self) -> bool:
        """Whether the file is Parquet."""
        return self.path.suffix == ".parquet"


def part_path(run: Path, first: int, stop: int) -> Path:
    """Return the path of the part that holds rows `first` up to, not including, `stop`."""
    return run / STEPS / part_name(first, stop)


def part_name(first: int, stop: int) -> str:
    """Return what the part with these rows is called."""
    return f"part-{first:012d}-{stop:012d}.parquet"


def part_rows(name: str) -> tuple[int, int] | None:
    """Return the first row of a part and the one after its last; ``None`` if it is no part."""
    found = PART.fullmatch(name)
    return (int(found[1]), int(found[2])) if found else None


def journal_path(run: Path, first: int) -> Path:
    """Return the path of the journal whose first row is `first`."""
    return run / f"journal-{first:012d}.bin"


def folder_name(name: str) -> str:
    """Return what the folder of a run is called: names such as ``org/model`` may have a slash.

    Examples
    --------
    >>> folder_name("org/model")
    'org-model'
    """
    return name.replace("/", "-")


def is_run(folder: Path) -> bool:
    """Tell whether a folder is, or was meant to be, a run."""
    return (folder / RUN_JSON).exists() or (folder / STEPS).is_dir() or bool(journals(folder))


def parts(run: Path) -> list[Extent]:
    """List the parts that count, in row order: those within another's range are left out."""
    found = {(int(rows[1]), int(rows[2])): path for path, rows in matching(run / STEPS, PART)}
    kept: list[Extent] = []
    covered = 0
    for first, stop in covering(found):
        kept.append(Extent(max(first, covered), stop, first, found[first, stop]))
        covered = stop
    return kept


def covering(parts: Iterable[Rows]) -> list[Rows]:
    """Return the rows of those parts, in order, that lie within no other one.

    Examples
    --------
    >>> covering([(2, 4), (0, 2), (0, 4), (4, 5)])
    [(0, 4), (4, 5)]
    """
    kept: list[Rows] = []
    covered = 0
    for part in sorted(parts, key=lambda part: (part[0], -part[1])):
        if part[1] > covered:
            kept.append(part)
            covered = part[1]
    return kept


def journals(run: Path) -> list[Extent]:
    """List the journals in row order, each up to where the next one begins."""
    found = sorted((int(numbers[1]), path) for path, numbers in matching(run, JOURNAL))
    stops = [first for first, _ in found[1:]]
    ends = zip_longest(found, stops)  # the last one has no stop
    return [Extent(first, stop, first, path) for (first, path), stop in ends]


def extents(run: Path) -> list[Extent]:
    """List which file holds which rows, in row order and without overlap."""
    # Journals are listed first: one that becomes a part in between is then seen twice, and
    # dropped here, rather than not at all.
    tail = journals(run)
    held = parts(run)
    covered = max((extent.stop or 0 for extent in held), default=0)
    for journal in tail:
        if journal.stop is None or journal.stop > covered:
            first = max(journal.first, covered)
            held.append(Extent(first, journal.stop, journal.base, journal.path))
    return held


def matching(folder: Path, pattern: re.Pattern[str]) -> Iterable[tuple[Path, re.Match[str]]]:
    """Return what is in a folder under names of a kind; nothing if the folder is not there."""
    try:
        with reading(folder):
            names = [entry.name for entry in folder.iterdir()]
    except FileNotFoundError:
        return []
    return [(folder / name, match) for name in names if (match := pattern.fullmatch(name))]
