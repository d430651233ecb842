"""Find the logs in a folder that a stranger filled: so deep, so many, and never through a link."""

from __future__ import annotations

import logging
import os
import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from lrwatch.errors import InvalidArgument, RunNotFound
from lrwatch.formats import counted
from lrwatch.importing.foreign_run import Choice, ForeignRun, Importer
from lrwatch.importing.optimizers import by_optimizer
from lrwatch.importing.ordering import OrderedRun, ordered
from lrwatch.importing.registry import importer_named, recognised
from lrwatch.store import list_runs
from lrwatch.store.layout import is_run
from lrwatch.store.mirroring.places import known_as

__all__ = ["FoundLog", "foreign_run", "found_logs", "logs_at"]

logger = logging.getLogger("lrwatch")

_DEPTH: Final = 8
_MOST_NAMES: Final = 50_000
_MOST_CANDIDATES: Final = 5_000
_MOST_LOGS: Final = 2_000
_SURE_ENOUGH: Final = 0.25

_ENDINGS: Final = (
    ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".log", ".txt", ".out", ".err", ".db",
    ".sqlite", ".sqlite3", ".wandb",
)  # fmt: skip
_TABLES: Final = (".csv", ".tsv", ".parquet", ".jsonl", ".json")
"""Endings of files that are read as tables even where nothing in them looks like a log."""

_RUN: Final = "run.json"

_CHECKPOINT: Final = re.compile(r"checkpoint-(\d+)")


@dataclass(frozen=True, slots=True)
class FoundLog:
    """A log in a folder, and who reads it."""

    path: Path
    importer: Importer
    sureness: float

    def runs(self, choice: Choice) -> list[ForeignRun]:
        """Read its runs, one for each optimizer; raises as `Importer.read` does."""
        read = self.importer.read(self.path, choice)
        return [each for run in read for each in by_optimizer(run, choice)]


def found_logs(folder: Path) -> list[FoundLog]:
    """Return the logs in a folder, sorted by path.

    What tools keep beside a run is left out, and so are the states of checkpoints
    but the last, which has all of them.
    """
    found: list[FoundLog] = []
    for n, path in enumerate(_candidates(folder)):
        if n >= _MOST_CANDIDATES or len(found) >= _MOST_LOGS:
            logger.warning("%s holds too many files, not all are searched for logs", folder)
            break
        if _is_part_of(path, found):
            continue
        try:
            importer, sureness = recognised(path)
        except OSError:
            continue
        if importer is not None and sureness >= _SURE_ENOUGH:
            found.append(FoundLog(path, importer, sureness))
    return sorted(_last_states(_without_twins(found)), key=lambda log: log.path)


def _is_part_of(path: Path, found: list[FoundLog]) -> bool:
    """Tell whether a path belongs to a folder that is a log.

    That has all files in it; what is in folders below are other runs, but for those of MLflow.
    """
    return any(
        path.parent == log.path
        if log.importer.name != "mlflow-files"
        else path.is_relative_to(log.path)
        for log in found
        if path != log.path and not path.is_dir()
    )


def _candidates(folder: Path) -> Iterator[Path]:
    """Yield folders and files that may be logs, level by level; a folder before what is in it."""
    waiting = deque([(folder, _DEPTH)])
    n_names = 0
    while waiting and n_names < _MOST_NAMES:
        where, depth = waiting.popleft()
        items = _items(where)
        n_names += len(items)
        if any(item.name == _RUN for item in items):
            continue  # a run of ours, whose parts would be tables
        yield where
        for item in items:
            if item.is_dir(follow_symlinks=False) and depth > 0:
                waiting.append((Path(item.path), depth - 1))
            elif item.is_file(follow_symlinks=False) and _may_be_log(item.name):
                yield Path(item.path)


def _items(folder: Path) -> list[os.DirEntry[str]]:
    """Return what a folder holds, sorted by name; what is hidden and links are left out."""
    try:
        with os.scandir(folder) as scan:
            items = [item for item in scan if not item.name.startswith(".")]
    except OSError:
        return []
    return sorted((item for item in items if not item.is_symlink()), key=lambda item: item.name)


def _may_be_log(name: str) -> bool:
    return name.lower().endswith(_ENDINGS)


def _without_twins(found: list[FoundLog]) -> list[FoundLog]:
    """Leave out what tools keep of a run beside the run itself.

    wandb keeps its console, trackio a table of its database, and mmengine its scalars once more, in
    a file that is named after a second.
    """
    paths = {log.path for log in found}
    offline = {path.parent for path in paths if path.suffix == ".wandb"}

    def is_twin(log: FoundLog) -> bool:
        path = log.path
        if log.importer.name == "mmengine":
            return path.name != "scalars.json" and path.with_name("scalars.json") in paths
        if log.importer.name == "trackio-parquet":
            return path.with_suffix(".db") in paths
        return path.parts[-2:] == ("files", "output.log") and path.parent.parent in offline

    return [log for log in found if not is_twin(log)]


def _last_states(found: list[FoundLog]) -> list[FoundLog]:
    """Keep one of the files of a name that lie in ``checkpoint-N`` of one folder, or beside it."""
    best: dict[tuple[Path, str], tuple[float, FoundLog]] = {}
    others: list[FoundLog] = []
    for log in found:
        number = _CHECKPOINT.fullmatch(log.path.parent.name)
        if log.importer.name != "huggingface":
            others.append(log)
            continue
        home = log.path.parent.parent if number else log.path.parent
        rank = float(number[1]) if number else float("inf")
        key = home, log.path.name
        if key not in best or best[key][0] < rank:
            best[key] = rank, log
    return others + [log for _, log in best.values()]


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
