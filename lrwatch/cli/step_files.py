"""Tables of steps in single files, as other tools and notebooks write them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyarrow import csv, parquet

from lrwatch.errors import InvalidArgument, RunUnreadable
from lrwatch.records import FLOAT_COLUMNS

__all__ = ["READABLE", "STEP_FILES", "read_step_file", "write_step_file"]

STEP_FILES: Final = (".csv", ".parquet")
"""Endings of the files that can be read and written."""

_JSON: Final = (".jsonl", ".json")

READABLE: Final = (*STEP_FILES, *_JSON)
"""Endings of the files that can be read; those of JSON hold an object a line."""

_NULLS: Final = ["", "null", "NULL", "None", "NA", "N/A"]
"""What stands for "not recorded". NaN does not: a loss that became NaN is a finding."""


def read_step_file(path: Path) -> pa.Table:
    """Read a table of steps.

    Raises
    ------
    RunUnreadable
        If the file is damaged, or is not a table.
    """
    try:
        if path.suffix.lower() == ".parquet":
            with path.open("rb") as file:  # not by its path, in which "lr=0.1" is a column
                return parquet.ParquetFile(file).read()
        if path.suffix.lower() in _JSON:
            return _read_json(path)
        options = csv.ConvertOptions(
            null_values=_NULLS,
            strings_can_be_null=True,
            column_types={name: pa.float64() for name in FLOAT_COLUMNS},
        )
        with path.open("rb") as file:
            return csv.read_csv(file, convert_options=options)
    except (pa.ArrowException, UnicodeDecodeError, ValueError) as error:
        what = " ".join(str(error).split())
        raise RunUnreadable(f"{path} cannot be read as a table of steps: {what}") from error


def _read_json(path: Path) -> pa.Table:
    """Read the numbers of a file with an object a line; whatever else it holds is left out."""
    text = path.read_text(encoding="utf-8")
    if text.startswith("{\n"):  # one object, as the Hugging Face Trainer keeps its log in
        whole = json.loads(text)
        rows: list[Any] = whole.get("log_history", [whole])
    else:
        rows = [json.loads(line) for line in text.splitlines() if line.strip()]
    if not all(isinstance(row, dict) for row in rows):
        raise ValueError("expected an object on each line")
    columns = {
        name: pa.array([_number(row.get(name)) for row in rows], pa.float64())
        for name in dict.fromkeys(name for row in rows for name in row)
    }
    return pa.table({k: column for k, column in columns.items() if column.null_count < len(rows)})


def _number(value: Any) -> float | None:
    is_number = isinstance(value, (int, float)) and not isinstance(value, bool)
    try:
        return float(value) if is_number else None
    except OverflowError:
        return None


def write_step_file(table: pa.Table, path: Path) -> None:
    """Write a table aside and rename it into place, so that no reader sees half of it.

    Raises
    ------
    InvalidArgument
        If the path does not end in one of `STEP_FILES`.
    """
    aside = path.with_name(f".{path.name}.tmp")
    writers = {".csv": csv.write_csv, ".parquet": parquet.write_table}
    write = writers.get(path.suffix.lower())
    if write is None:
        raise InvalidArgument(f"the file must end in .csv or .parquet, got {path.name!r}")
    try:
        write(table, aside)
        aside.replace(path)
    finally:
        aside.unlink(missing_ok=True)
