"""Write runs without training, for tests of the store and of its readers."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lrwatch.records import FLOAT_COLUMNS, NULL, RunInfo
from lrwatch.store.creation import create_run
from lrwatch.store.writer import Row, RunWriter

__all__ = ["new_writer", "row", "write_run"]


def new_writer(store: Path, name: str = "run", **info: Any) -> RunWriter:
    """Create a run in `store` and return its writer."""
    return create_run(store, RunInfo(id=f"id-{name}", name=name, **info), FLOAT_COLUMNS)


def row(step: int, writer: RunWriter, **values: float) -> Row:
    """Make a row with the given values, a loss that tells the step, and nulls."""
    named = {"loss": float(step), "lr": 0.1, **values}
    return Row(0, step, 1_000_000 * step, [named.get(name, NULL) for name in writer.columns])


def write_run(
    store: Path,
    name: str = "run",
    *,
    steps: Iterable[int] = range(10),
    values: Mapping[str, Iterable[float]] | None = None,
    status: str | None = "finished",
    **info: Any,
) -> Path:
    """Write a run whose columns in `values` follow the steps; ``status=None`` leaves it open."""
    writer = new_writer(store, name, **info)
    series = {key: list(column) for key, column in (values or {}).items()}
    for i, step in enumerate(steps):
        writer.append(row(step, writer, **{key: column[i] for key, column in series.items()}))
    if status is None:
        writer.abandon()
    else:
        writer.close(status)
    return writer.folder
