"""Importers of MLflow: its database, and the folder of a run in its file store."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from lrwatch.errors import RunUnreadable
from lrwatch.importing.cells import number_of
from lrwatch.importing.databases import opened, tables_if_any
from lrwatch.importing.foreign_run import Choice, ForeignRun, Trouble
from lrwatch.importing.series import Series, Value, rows_of_series
from lrwatch.importing.source import content_of, decoded, setting, settings_of

__all__ = ["MlflowDatabase", "MlflowFolder"]

_METRICS: Final = {"key", "value", "timestamp", "step", "is_nan", "run_uuid"}
_SYSTEM: Final = "system/"
_MOST_RUNS: Final = 10_000
_MOST_FILES: Final = 5_000
_FINISHED, _FAILED, _KILLED = "3", "4", "5"
_OVER: Final = frozenset({"FINISHED", "FAILED", "KILLED", _FINISHED, _FAILED, _KILLED})
_CLAMPED: Final = math.ldexp(1, 1023)
"""MLflow stores infinity as the largest float there is."""


class MlflowDatabase:
    """Reads ``mlflow.db``; runs that were deleted there are left out."""

    name, title = "mlflow", "MLflow database"

    def recognises(self, path: Path, head: bytes) -> float:
        """Say how sure it is that a file is of this kind."""
        tables = tables_if_any(path, head)
        return 0.95 if tables.get("metrics", set()) >= _METRICS and "runs" in tables else 0.0

    def read(self, path: Path, choice: Choice) -> list[ForeignRun]:
        """Read the runs of a database; raises `RunUnreadable`."""
        with opened(path) as database:
            runs = database.execute(
                "SELECT run_uuid, name, status FROM runs WHERE lifecycle_stage != 'deleted' "
                "ORDER BY start_time LIMIT ?",
                (_MOST_RUNS,),
            ).fetchall()
            found = []
            for run, name, status in runs:
                rows = database.execute(
                    "SELECT key, value, timestamp, step, is_nan FROM metrics "
                    "WHERE run_uuid = ? ORDER BY timestamp, step",
                    (run,),
                )
                series = _series(rows)
                if series:
                    params = database.execute(
                        "SELECT key, value FROM params WHERE run_uuid = ?", (run,)
                    ).fetchall()
                    config = {str(key): setting(str(value)) for key, value in params}
                    found.append(
                        ForeignRun(
                            str(name or run),
                            rows_of_series(series, choice),
                            self.title,
                            key=str(run),
                            config=config,
                            is_over=str(status) in _OVER,
                        )
                    )
        if not found:
            raise RunUnreadable(f"{path.name} has no run with metrics")
        return found


class MlflowFolder:
    """Reads the folder of one run in ``mlruns``."""

    name, title = "mlflow-files", "MLflow files"

    def recognises(self, path: Path, head: bytes) -> float:
        """Say how sure it is that a source is of this kind."""
        if not path.is_dir() or not (path / "metrics").is_dir():
            return 0.0
        return 0.95 if "run_id" in settings_of(path / "meta.yaml") else 0.0

    def read(self, path: Path, choice: Choice) -> list[ForeignRun]:
        """Read the run of a folder; raises `RunUnreadable`."""
        about = settings_of(path / "meta.yaml")
        troubles: list[Trouble] = []
        lines: list[tuple[str, float, int, int, int]] = []
        for file in _files_below(path / "metrics"):
            lines += _metric_lines(path, file, troubles)
        lines.sort(key=lambda line: (line[2], line[3]))
        series = _series(iter(lines))
        if not series:
            raise RunUnreadable(f"{path.name} has no metrics")
        config = {
            file.relative_to(path / "params").as_posix(): setting(decoded(content_of(file)).strip())
            for file in _files_below(path / "params")
        }
        run = ForeignRun(
            str(about.get("run_name") or path.name),
            rows_of_series(series, choice),
            self.title,
            config=config,
            is_over=str(about.get("status", "")) in _OVER,
            troubles=tuple(troubles),
        )
        return [run]


def _series(rows: Iterator[Any]) -> dict[str, Series]:
    series: dict[str, Series] = {}
    for place, (key, value, timestamp, step, is_nan) in enumerate(rows):
        name, number = str(key), number_of(value)
        if name.startswith(_SYSTEM) or not isinstance(number, float):
            continue
        if is_nan:
            number = math.nan
        elif abs(number) >= _CLAMPED:
            number = math.copysign(math.inf, number)
        logged = Value(place, int(step), number, float(timestamp) / 1e3)
        series.setdefault(name, []).append(logged)
    return series


def _metric_lines(
    run: Path, file: Path, troubles: list[Trouble]
) -> Iterator[tuple[str, float, int, int, int]]:
    """Yield name, value, time, step and whether it is NaN, of each line of a metric's file."""
    name = file.relative_to(run / "metrics").as_posix()
    for at, line in enumerate(decoded(content_of(file)).splitlines(), 1):
        words = line.split()
        if not words:
            continue
        try:
            yield name, float(words[1]), int(words[0]), int(words[2]) if words[2:] else 0, 0
        except (ValueError, IndexError):
            troubles.append(Trouble(file, at, f"{line[:40]!r} is not time, value and step"))


def _files_below(folder: Path) -> list[Path]:
    """Return the files in a folder, a metric's name being a path; links are left alone."""
    found: list[Path] = []
    for where, folders, names in os.walk(folder):
        folders.sort()
        found += [path for name in sorted(names) if not (path := Path(where) / name).is_symlink()]
        if len(found) > _MOST_FILES:
            break
    return found[:_MOST_FILES]
