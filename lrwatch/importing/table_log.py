"""Importers of tables: CSV, JSON lines and Parquet, of a known tool or with any column names."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from lrwatch import columns
from lrwatch.errors import RunUnreadable
from lrwatch.importing.cells import typed, with_time
from lrwatch.importing.foreign_run import Choice, ForeignRun, Trouble
from lrwatch.importing.layouts import Layout
from lrwatch.importing.raw_tables import csv_names, csv_table, json_lines, json_names
from lrwatch.importing.source import decoded, head_of, is_text, run_name, settings_of, text_of

__all__ = ["AnyTable", "KnownTable", "read_table_file", "shape"]

_KNOWN: Final = 0.9
_HAS_LOSS: Final = 0.4
_MAY_BE: Final = 0.1
_MOST_RUNS: Final = 10_000


class KnownTable:
    """Reads the tables of one tool.

    Parameters
    ----------
    layout
        What they look like.
    """

    def __init__(self, layout: Layout) -> None:
        self.name, self.title = layout.name, layout.title
        self._layout = layout

    def recognises(self, path: Path, head: bytes) -> float:
        """Say how sure it is that a file is of this kind."""
        form, names = shape(path, head)
        return _KNOWN if self._layout.fits(path, form, names) else 0.0

    def read(self, path: Path, choice: Choice) -> list[ForeignRun]:
        """Read the runs of a file; raises `RunUnreadable`."""
        table, troubles = read_table_file(path)
        layout = self._layout
        config = settings_of(path.parent / layout.settings) if layout.settings else {}
        total = config.get(layout.epochs) if layout.epochs else None
        if layout.total in table.column_names:
            total = _greatest(table[layout.total])
        there = {ours: name for ours, name in layout.columns.items() if name in table.column_names}
        return [
            ForeignRun(
                name=name or run_name(path),
                key=key,
                table=rows,
                title=self.title,
                columns=there,
                is_averaged=layout.is_averaged,
                is_by_epoch=layout.is_by_epoch,
                total_steps=int(total) if isinstance(total, (int, float)) and total >= 1 else None,
                config=config,
                notes=layout.notes,
                troubles=tuple(troubles),
            )
            for key, name, rows in self._apart(table)
        ]

    def _apart(self, table: pa.Table) -> Iterator[tuple[str, str, pa.Table]]:
        """Yield key, name and rows of each run in a table."""
        by = next((name for name in self._layout.run if name in table.column_names), None)
        if by is None:
            yield "", "", table
            return
        name_in = next(name for name in self._layout.run_names if name in table.column_names)
        keys = np.array([str(key) for key in table[by].to_pylist()])
        for key in list(dict.fromkeys(keys.tolist()))[:_MOST_RUNS]:
            rows = table.filter(pa.array(keys == key))
            yield key, str(rows[name_in][0].as_py()), rows


class AnyTable:
    """Reads tables with any column names, as long as one may be a loss."""

    name, title = "table", "table"

    def recognises(self, path: Path, head: bytes) -> float:
        """Say how sure it is that a file is a log."""
        names = shape(path, head)[1]
        if not names:
            return 0.0
        has_loss = "loss" in columns.meant(names, lambda _: 1) or bool(columns.losses(names))
        return _HAS_LOSS if has_loss else _MAY_BE

    def read(self, path: Path, choice: Choice) -> list[ForeignRun]:
        """Read the run of a file; raises `RunUnreadable`."""
        table, troubles = read_table_file(path)
        form = {"csv": "CSV", "json": "JSON lines", "parquet": "Parquet"}[_form(path)]
        return [ForeignRun(run_name(path), table, f"{form} table", troubles=tuple(troubles))]


def read_table_file(path: Path) -> tuple[pa.Table, list[Trouble]]:
    """Read a table, whatever its columns are called.

    Raises
    ------
    RunUnreadable
        If it is damaged, or has no row.
    """
    form = _form(path)
    if form == "parquet":
        return _parquet(path), []
    text = text_of(path)
    raw = json_lines(path, text) if form == "json" else csv_table(path, text)
    if not raw.lines:
        why = f": {raw.troubles[0]}" if raw.troubles else ""
        raise RunUnreadable(f"{path.name} has no row that can be read{why}")
    table = typed(raw)
    return table, sorted(raw.troubles, key=lambda trouble: trouble.line or math.inf)


def _parquet(path: Path) -> pa.Table:
    try:
        with path.open("rb") as file:  # not by its path, in which "lr=0.1" is a column
            return with_time(parquet.ParquetFile(file).read())
    except (pa.ArrowException, OSError, ValueError) as error:
        what = " ".join(str(error).split())
        raise RunUnreadable(f"{path.name} cannot be read as Parquet: {what}") from error


def _form(path: Path) -> str:
    try:
        return _form_of(path, head_of(path))
    except OSError as error:
        raise RunUnreadable(f"{path.name} cannot be read: {error.strerror}") from error


def _form_of(path: Path, head: bytes) -> str:
    if head.startswith(b"PAR1") or path.suffix.lower() == ".parquet":
        return "parquet"
    return "json" if decoded(head[:4096]).lstrip().startswith(("{", "[")) else "csv"


@lru_cache(maxsize=4)
def shape(path: Path, head: bytes) -> tuple[str, tuple[str, ...]]:
    """Return the form of a table and its names; none where it is no table."""
    form = _form_of(path, head)
    try:
        if form == "parquet":
            with path.open("rb") as file:
                return form, tuple(parquet.read_schema(file).names)
        if not is_text(head):
            return form, ()
        text = decoded(head)
        return form, tuple(json_names(text) if form == "json" else csv_names(text))
    except (pa.ArrowException, OSError, ValueError, json.JSONDecodeError):
        return form, ()


def _greatest(column: Any) -> float | None:
    numbers = [value for value in column.to_pylist() if isinstance(value, (int, float))]
    return max(numbers, default=None)
