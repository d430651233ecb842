"""Importer of what neptune-exporter writes: long Parquet, a value a row."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
from pyarrow import parquet

from lrwatch.errors import RunUnreadable
from lrwatch.importing.foreign_run import Choice, ForeignRun
from lrwatch.importing.series import Series, Value, rows_of_series
from lrwatch.importing.table_log import shape

__all__ = ["NeptuneParquet"]

_COLUMNS: Final = ("run_id", "attribute_path", "step", "float_value", "timestamp")
_MOST_RUNS: Final = 10_000


class NeptuneParquet:
    """Reads the series of floats of an export."""

    name, title = "neptune", "Neptune export"

    def recognises(self, path: Path, head: bytes) -> float:
        """Say how sure it is that a file is of this kind."""
        form, names = shape(path, head)
        return 0.95 if form == "parquet" and {*_COLUMNS} - {"timestamp"} <= {*names} else 0.0

    def read(self, path: Path, choice: Choice) -> list[ForeignRun]:
        """Read the runs of a file; raises `RunUnreadable`."""
        try:
            with path.open("rb") as file:
                held = parquet.ParquetFile(file)
                names = [name for name in _COLUMNS if name in held.schema_arrow.names]
                rows = held.read(columns=names).to_pylist()
        except (pa.ArrowException, OSError, ValueError) as error:
            raise RunUnreadable(f"{path.name} cannot be read as Parquet: {error}") from error
        runs: dict[str, dict[str, Series]] = {}
        for place, row in enumerate(rows):
            is_whole = row["step"] is not None and float(row["step"]).is_integer()
            if is_whole and row["float_value"] is not None:
                series = runs.setdefault(str(row["run_id"]), {})
                value = Value(place, int(row["step"]), float(row["float_value"]), _seconds(row))
                # Without the folder that Neptune keeps metrics in.
                name = str(row["attribute_path"]).removeprefix("metrics/")
                series.setdefault(name, []).append(value)
        if not runs:
            raise RunUnreadable(f"{path.name} has no series of floats")
        return [
            ForeignRun(run, rows_of_series(_in_time(series), choice), self.title, key=run)
            for run, series in list(runs.items())[:_MOST_RUNS]
        ]


def _seconds(row: dict[str, Any]) -> float:
    moment = row.get("timestamp")
    return moment.timestamp() if isinstance(moment, datetime) else 0.0


def _in_time(series: dict[str, Series]) -> dict[str, Series]:
    """Give values of all series one order of writing: an export has one series after the other."""
    moments = [
        (value.time, value.step, name, i)
        for name, each in series.items()
        for i, value in enumerate(each)
    ]
    for place, (_, _, name, i) in enumerate(sorted(moments)):
        series[name][i] = series[name][i]._replace(place=place)
    return series
