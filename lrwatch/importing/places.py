"""What another tool left at a path: its logs, and the one run where there is no other."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from lrwatch.errors import InvalidArgument, RunNotFound
from lrwatch.formats import counted
from lrwatch.importing.foreign_run import Choice
from lrwatch.importing.ordering import OrderedRun, ordered
from lrwatch.importing.registry import importer_named, recognised
from lrwatch.importing.search import FoundLog, found_logs
from lrwatch.store import list_runs
from lrwatch.store.layout import is_run
from lrwatch.store.mirroring.places import known_as

__all__ = ["foreign_run", "logs_at"]

_TABLES: Final = (".csv", ".tsv", ".parquet", ".jsonl", ".json")
"""Endings of files that are read as tables even where nothing in them looks like a log."""


def foreign_run(path: Path) -> OrderedRun | None:
    """Return the run that another tool logged at a path; ``None`` if what is there is no log.

    Raises
    ------
    RunNotFound
        If it is a file that is not recognised.
    InvalidArgument
        If several runs are logged there, or no loss can be found.
    """
    if path.is_file():
        logs = logs_at(path)
    elif is_run(path) or not path.is_dir() or list_runs(path):
        return None
    else:
        logs = found_logs(path)
    if not logs:
        return None
    runs = [run for log in logs for run in log.runs(Choice())]
    if len(runs) != 1:
        raise InvalidArgument(
            f"{known_as(path)} holds {counted(len(runs), 'run')}, and one is expected; "
            "`lrwatch check` judges each, `lrwatch import` makes runs of them"
        )
    return ordered(runs[0], Choice())


def logs_at(path: Path) -> list[FoundLog]:
    """Return the logs of other tools at a path.

    Raises
    ------
    RunNotFound
        If there is none.
    """
    if path.is_dir():
        found = found_logs(path)
        if found:
            return found
        raise RunNotFound(
            f"there are no runs in {known_as(path)}; give the folder that lrwatch.watch wrote, "
            "or one with logs of another tool"
        )
    importer, sureness = recognised(path)
    if importer is None and path.suffix.lower() in _TABLES:
        importer = importer_named("table")  # which says what is wrong with it
    if importer is None:
        raise RunNotFound(
            f"{known_as(path)} is neither a run nor a log that is recognised; give a run's folder, "
            "a folder of runs or logs, or a log that names its loss: lrwatch import --help lists "
            "the kinds"
        )
    return [FoundLog(path, importer, sureness)]
