"""One run as one row of plain values: what `judge` returns, and the table of a store holds."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from lrwatch.codec import plain
from lrwatch.errors import StorageUnavailable
from lrwatch.following import FollowedRun
from lrwatch.judging.judges import judges
from lrwatch.judging.kept import keep, rested
from lrwatch.store import RunEntry, run_at
from lrwatch.store.layout import LABELS, RUN_JSON, STEPS
from lrwatch.store.mirroring.places import known_as, mirror_of
from lrwatch.verdicts import Diagnosis
from lrwatch.version import VERSION

__all__ = [
    "ROW_SCHEMA", "VERDICT_COLUMNS", "judge", "row_of", "source_of", "text", "verdict_columns",
]  # fmt: skip

ROW_SCHEMA: Final = pa.schema(
    [
        ("key", pa.string()),
        ("name", pa.string()),
        ("verdict", pa.string()),
        ("learning_rate", pa.string()),
        ("confidence", pa.float64()),
        ("reason", pa.string()),
        ("advice", pa.string()),
        ("suggested_lr", pa.float64()),
        ("first_alarm_step", pa.int64()),
        ("peak_lr", pa.float64()),
        ("last_lr", pa.float64()),
        ("first_loss", pa.float64()),
        ("best_loss", pa.float64()),
        ("final_loss", pa.float64()),
        ("last_loss", pa.float64()),
        ("steps", pa.int64()),
        ("total_steps", pa.int64()),
        ("state", pa.string()),
        ("optimizer", pa.string()),
        ("group", pa.string()),
        ("config", pa.string()),
        ("created_at", pa.float64()),
        ("last_write", pa.float64()),
        ("problem", pa.string()),
        ("source", pa.string()),
        ("lrwatch", pa.string()),
        ("judges", pa.string()),
    ]
)
"""Columns and types of a row; a missing value is null."""

VERDICT_COLUMNS: Final = (
    "verdict", "learning_rate", "confidence", "reason", "advice", "suggested_lr"
)  # fmt: skip
"""Those that a diagnosis fills."""

_LARGEST: Final = 2**63 - 1


def judge(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Judge a run by itself, and say what was found as one row of plain values.

    It reads nothing but the run's folder, writes nothing and raises nothing, so that it can be
    mapped over many runs by whatever there is: a process pool, Dask, Ray, Spark.

    Parameters
    ----------
    path
        Folder of a run, or its address.

    Returns
    -------
    dict
        Text, numbers and None by name. ``verdict``, ``learning_rate``, ``confidence``,
        ``reason``, ``advice``, ``suggested_lr`` and ``first_alarm_step`` are those of
        `lrwatch.diagnose`; ``verdict`` is ``unreadable`` where there is no run or it cannot be
        read, and ``problem`` says why. ``peak_lr``, ``last_lr``; ``first_loss``, ``best_loss``
        and ``final_loss`` as lists show them, ``last_loss`` as it was recorded; ``steps`` made,
        ``total_steps`` planned. ``state`` is what the run does, ``config`` what it was
        configured with, as JSON. Times are seconds since the Unix epoch. ``source`` changes
        whenever the run does, ``judges`` whenever another version may judge otherwise.

    Examples
    --------
    >>> judge("/nowhere")["verdict"]
    'unreadable'
    """
    entry = run_at(path)
    source = source_of(entry)  # before its rows are read, so that a change meanwhile is seen
    return row_of(rested(entry, keep(entry)), source)


def row_of(run: FollowedRun[Any], source: str) -> dict[str, Any]:
    """Return a judged run as a row, as far as it is known by itself.

    Parameters
    ----------
    run
        The run.
    source
        What it was when it was read, as `source_of` has it.
    """
    info, summary = run.info, run.summary
    return {
        "key": text(run.name),
        "name": text(run.entry.shown_name),
        **verdict_columns(run.diagnosis),
        "first_alarm_step": None if run.diagnosis is None else run.diagnosis.first_alarm_step,
        "peak_lr": summary.peak_lr,
        "last_lr": summary.last_lr if summary.n_rows else None,
        "first_loss": summary.first_loss,
        "best_loss": summary.losses.best(),
        "final_loss": summary.final_loss,
        "last_loss": summary.last_loss,
        "steps": min(summary.n_steps, _LARGEST),
        "total_steps": None if info is None else info.total_steps,
        "state": run.state,
        "optimizer": "" if info is None else text(info.optimizer),
        "group": None if info is None or info.group is None else text(info.group),
        "config": "{}" if info is None else json.dumps(plain(info.config)),
        "created_at": None if info is None else info.created_at,
        "last_write": run.entry.last_seen,
        "problem": text(run.problem or run.damage),
        "source": source,
        "lrwatch": VERSION,
        "judges": judges(),
    }


def verdict_columns(found: Diagnosis | None) -> dict[str, Any]:
    """Return what is said of a run, by column."""
    if found is None:
        unknown = ("unreadable", "unknown", 0.0, "", "", None)
        return dict(zip(VERDICT_COLUMNS, unknown, strict=True))
    return {
        "verdict": found.verdict,
        "learning_rate": found.learning_rate,
        "confidence": float(found.confidence),
        "reason": text(found.reason),
        "advice": text(found.advice),
        "suggested_lr": found.suggested_lr,
    }


def text(given: str) -> str:
    """Return a text that every file can hold: names of files need not be UTF-8."""
    return given.encode("utf-8", "backslashreplace").decode("utf-8")


def source_of(entry: RunEntry) -> str:
    """Return a digest of what a run consists of: what ``run.json`` says, its files, their sizes.

    Whether a run has changed since it was judged is told by it, without reading the run.

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
