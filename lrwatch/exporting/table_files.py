"""Exporters of tables: CSV, Parquet and Arrow, and Parquet in the shape of other tools."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, ipc, parquet

from lrwatch.exporting.exporter import ExportedRun

__all__ = ["ArrowFile", "CsvFile", "ParquetFile", "TrackioParquet", "WandbParquet"]

_ARROW: Final = (".arrow", ".feather")


class CsvFile:
    """Writes CSV: an empty field is "not recorded", ``nan`` means that NaN was recorded."""

    name, example = "csv", "steps.csv"

    def takes(self, name: str) -> bool:
        """Tell whether a file of this name is to be of this kind."""
        return name.lower().endswith(".csv")

    def write(self, run: ExportedRun, path: Path) -> None:
        """Write a run into a new file."""
        csv.write_csv(run.table, path)


class ParquetFile:
    """Writes Parquet, with the columns of the run folder."""

    name, example = "parquet", "steps.parquet"

    def takes(self, name: str) -> bool:
        """Tell whether a file of this name is to be of this kind."""
        return name.lower().endswith(".parquet")

    def write(self, run: ExportedRun, path: Path) -> None:
        """Write a run into a new file."""
        parquet.write_table(run.table, path)


class ArrowFile:
    """Writes an Arrow table that readers map into memory (Feather, version 2)."""

    name, example = "arrow", "steps.arrow"

    def takes(self, name: str) -> bool:
        """Tell whether a file of this name is to be of this kind."""
        return name.lower().endswith(_ARROW)

    def write(self, run: ExportedRun, path: Path) -> None:
        """Write a run into a new file."""
        with pa.OSFile(str(path), "wb") as file, ipc.new_file(file, run.table.schema) as writer:
            writer.write_table(run.table)


class WandbParquet:
    """Writes Parquet in the shape of a history of Weights & Biases."""

    name, example = "wandb", "run.wandb.parquet"

    def takes(self, name: str) -> bool:
        """Tell whether a file of this name is to be of this kind."""
        return name.lower().endswith(".wandb.parquet")

    def write(self, run: ExportedRun, path: Path) -> None:
        """Write a run into a new file."""
        seconds = _seconds(run.table["time"])
        began = run.info.created_at or (pc.min(seconds).as_py() or 0.0)
        columns = {
            "_step": run.table["step"],
            "_timestamp": seconds,
            "_runtime": pc.subtract(seconds, began),
        }
        parquet.write_table(_with_metrics(columns, run.table), path)


class TrackioParquet:
    """Writes Parquet in the shape of the file that trackio keeps beside its database."""

    name, example = "trackio", "project.trackio.parquet"

    def takes(self, name: str) -> bool:
        """Tell whether a file of this name is to be of this kind."""
        return name.lower().endswith(".trackio.parquet")

    def write(self, run: ExportedRun, path: Path) -> None:
        """Write a run into a new file."""
        n = run.table.num_rows
        columns = {
            "id": pa.array(range(1, n + 1), pa.int64()),
            "run_id": pa.array([run.info.id] * n, pa.string()),
            "timestamp": pc.strftime(run.table["time"], "%Y-%m-%dT%H:%M:%S+00:00"),
            "run_name": pa.array([run.info.name] * n, pa.string()),
            "step": run.table["step"],
        }
        parquet.write_table(_with_metrics(columns, run.table), path)


def _with_metrics(columns: dict[str, pa.Array], table: pa.Table) -> pa.Table:
    """Return columns followed by what was recorded; what never was is left out."""
    own = ("step", "time", "skipped", *columns)
    for name in table.column_names:
        if name not in own and table[name].null_count < table.num_rows:
            columns[name] = table[name]
    return pa.table(columns)


def _seconds(moments: pa.ChunkedArray) -> pa.ChunkedArray:
    return pc.divide(moments.cast(pa.int64()).cast(pa.float64()), 1e6)
