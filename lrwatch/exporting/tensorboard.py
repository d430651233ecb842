"""Exporter of TensorBoard event files: each number of a step becomes a scalar."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pyarrow as pa

from lrwatch.exporting.exporter import ExportedRun
from lrwatch.importing.event_files import framed
from lrwatch.importing.wire import bytes_field, double_field, float_field, varint_field

__all__ = ["EventFile"]

_TAGS: Final = {"loss": "train/loss", "lr": "train/learning_rate", "grad_norm": "train/grad_norm"}
"""What other trainers call these numbers, so that runs of both share a chart."""

# Fields of the messages Event and Summary.Value.
_WALL_TIME, _STEP, _VERSION, _SUMMARY = 1, 2, 3, 5
_VALUE, _TAG, _SIMPLE = 1, 1, 2


class EventFile:
    """Writes what `SummaryWriter` would have written, without torch or TensorBoard."""

    name, example = "tensorboard", "events.out.tfevents.1"

    def takes(self, name: str) -> bool:
        """Tell whether a file of this name is to be of this kind: TensorBoard opens no other."""
        return "tfevents" in name

    def write(self, run: ExportedRun, path: Path) -> None:
        """Write a run into a new file."""
        with path.open("xb") as file:
            for record in _records(run.table, run.info.created_at or time.time()):
                file.write(framed(record))


def _records(table: pa.Table, began: float) -> Iterator[bytes]:
    yield double_field(_WALL_TIME, began) + bytes_field(_VERSION, b"brain.Event:2")
    numbers = {
        _TAGS.get(field.name, field.name).encode(): table[field.name].to_pylist()
        for field in table.schema
        if pa.types.is_floating(field.type)
    }
    moments = table["time"].cast(pa.int64()).to_pylist()
    for i, (step, moment) in enumerate(zip(table["step"].to_pylist(), moments, strict=True)):
        values = b"".join(
            bytes_field(_VALUE, bytes_field(_TAG, tag) + float_field(_SIMPLE, column[i]))
            for tag, column in numbers.items()
            if column[i] is not None
        )
        head = double_field(_WALL_TIME, (moment or 0) / 1e6 or began) + varint_field(_STEP, step)
        yield head + bytes_field(_SUMMARY, values)
