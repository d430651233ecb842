"""What a path given to ``lrwatch check`` holds: runs of ours, or logs of other tools."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from lrwatch.cli.judging import ListedRun, judge_store
from lrwatch.errors import LrwatchError
from lrwatch.following import summarised
from lrwatch.importing import (
    Choice,
    ForeignRun,
    FoundLog,
    logs_at,
    ordered,
)
from lrwatch.judging import Workers
from lrwatch.monitor import diagnose

__all__ = ["judge_path"]


def judge_path(path: Path, choice: Choice, workers: Workers, *, alone: bool) -> Iterator[ListedRun]:
    """Judge the run, the runs of the folder, or the logs of other tools at a path.

    Raises
    ------
    RunNotFound
        If there is none.
    """
    runs = [] if path.is_file() else judge_store(path, workers, alone=alone)
    if runs:
        yield from runs
        return
    for log in logs_at(path):
        yield from _judged_log(log, path, choice)


def _judged_log(log: FoundLog, given: Path, choice: Choice) -> Iterator[ListedRun]:
    base = log.path.name if log.path == given else log.path.relative_to(given).as_posix()
    empty = ListedRun(base, log.path, last_write=log.path.stat().st_mtime, kind=log.importer.name)
    try:
        runs = log.runs(choice)
    except (LrwatchError, OSError) as error:
        yield replace(empty, problem=str(error))
        return
    for run in runs:
        yield _judged(empty, run, choice, is_alone=len(runs) == 1 and log.path.is_file())


def _judged(listed: ListedRun, run: ForeignRun, choice: Choice, *, is_alone: bool) -> ListedRun:
    if not is_alone:
        listed = replace(listed, run=f"{listed.run} ({run.name})")
    try:
        read = ordered(run, choice)
    except LrwatchError as error:
        return replace(listed, problem=str(error))
    return replace(
        listed,
        recognised=read.recognised,
        assumed=read.assumed,
        troubles=tuple(map(str, run.troubles)),
        total_steps=read.total_steps,
        summary=summarised(read.rows),
        diagnosis=diagnose(read.rows, total_steps=read.total_steps),
    )
