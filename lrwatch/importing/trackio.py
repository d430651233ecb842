"""Importer of trackio's database: a row a call of ``trackio.log``, with JSON in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

from lrwatch.errors import RunUnreadable
from lrwatch.importing.cells import RawTable, typed
from lrwatch.importing.databases import opened, tables_if_any, tables_of
from lrwatch.importing.foreign_run import Choice, ForeignRun

__all__ = ["TrackioDatabase"]

_METRICS: Final = {"timestamp", "run_name", "step", "metrics"}
_MOST_RUNS: Final = 10_000


class TrackioDatabase:
    """Reads ``PROJECT.db``."""

    name, title = "trackio", "trackio database"

    def recognises(self, path: Path, head: bytes) -> float:
        """Say how sure it is that a file is of this kind."""
        tables = tables_if_any(path, head)
        return 0.9 if tables.get("metrics", set()) >= _METRICS else 0.0

    def read(self, path: Path, choice: Choice) -> list[ForeignRun]:
        """Read the runs of a database; raises `RunUnreadable`."""
        tables = tables_of(path)
        by = "run_id" if "run_id" in tables.get("metrics", ()) else "run_name"
        with opened(path) as database:
            query = f"SELECT {by}, run_name, step, timestamp, metrics FROM metrics ORDER BY rowid"  # noqa: S608
            rows = database.execute(query).fetchall()
            configs: dict[str, Any] = {}
            if {by, "config"} <= tables.get("configs", set()):
                stored = database.execute(f"SELECT {by}, config FROM configs")  # noqa: S608
                configs = {str(run): _object(config) for run, config in stored}
        found: dict[str, list[tuple[int, Any]]] = {}
        for at, row in enumerate(rows, 1):
            found.setdefault(str(row[0]), []).append((at, row))
        if not found:
            raise RunUnreadable(f"{path.name} has no run with metrics")
        return [
            self._run(path, run, its_rows, configs.get(run) or {})
            for run, its_rows in list(found.items())[:_MOST_RUNS]
        ]

    def _run(
        self, path: Path, key: str, rows: list[tuple[int, Any]], config: dict[str, Any]
    ) -> ForeignRun:
        cells: list[tuple[int, dict[str, Any]]] = []
        broken: list[tuple[int, str]] = []
        for at, (_, _, step, timestamp, metrics) in rows:
            values = _object(metrics)
            if values is None:
                broken.append((at, "metrics are no JSON object"))
                continue
            cells.append((at, {**values, "step": step, "timestamp": timestamp}))
        raw = RawTable.of_rows(path, cells)
        raw.add_troubles(broken)
        settings = {name: value for name, value in config.items() if not name.startswith("_")}
        return ForeignRun(
            str(rows[0][1][1] or key),
            typed(raw),
            self.title,
            key=key,
            columns={"step": "step"},
            config=settings,
            troubles=tuple(raw.troubles),
        )


def _object(text: Any) -> dict[str, Any] | None:
    """Return a JSON object; ``None`` if it is none."""
    try:
        value = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
