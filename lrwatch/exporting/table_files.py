"""Exporters of tables: CSV, Parquet and Arrow, and Parquet in the shape of other tools."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv, ipc, parquet

from lrwatch.exporting.exporter import ExportedRun

__all__ = ["TABLE_FILES", "TableFile"]


@dataclass(frozen=True, slots=True)
class TableFile:
    """Writes the rows of a run as one table."""

    name: str
    example: str
    endings: tuple[str, ...]
    writer: Callable[[ExportedRun, Path], None]

    def takes(self, name: str) -> bool:
        """Tell whether a file of this name is to be of this kind."""
        return name.lower().endswith(self.endings)

    def write(self, run: ExportedRun, path: Path) -> None:
        """Write a run into a new file."""
        self.writer(run, path)


def _write_csv(run: ExportedRun, path: Path) -> None:
    """Write CSV: an empty field is "not recorded", ``nan`` means that NaN was recorded."""
    csv.write_csv(run.table, path)


def _write_parquet(run: ExportedRun, path: Path) -> None:
    """Write Parquet, with the columns of the run folder."""
    parquet.write_table(run.table, path)


def _write_arrow(run: ExportedRun, path: Path) -> None:
    """Write an Arrow table that readers map into memory (Feather, version 2)."""
    with pa.OSFile(str(path), "wb") as file, ipc.new_file(file, run.table.schema) as writer:
        writer.write_table(run.table)


def _write_wandb(run: ExportedRun, path: Path) -> None:
    """Write Parquet in the shape of a history of Weights & Biases."""
    seconds = pc.divide(run.table["time"].cast(pa.int64()).cast(pa.float64()), 1e6)
    began = run.info.created_at or (pc.min(seconds).as_py() or 0.0)
    columns = {
        "_step": run.table["step"],
        "_timestamp": seconds,
        "_runtime": pc.subtract(seconds, began),
    }
    parquet.write_table(_with_metrics(columns, run.table), path)


def _write_trackio(run: ExportedRun, path: Path) -> None:
    """Write Parquet in the shape of the file that trackio keeps beside its database."""
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


TABLE_FILES: Final = (
    TableFile("wandb", "run.wandb.parquet", (".wandb.parquet",), _write_wandb),
    TableFile("trackio", "project.trackio.parquet", (".trackio.parquet",), _write_trackio),
    TableFile("csv", "steps.csv", (".csv",), _write_csv),
    TableFile("parquet", "steps.parquet", (".parquet",), _write_parquet),
    TableFile("arrow", "steps.arrow", (".arrow", ".feather"), _write_arrow),
)
"""The first one that takes a name has it."""
