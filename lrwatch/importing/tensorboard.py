"""Importer of TensorBoard event files: the scalars of one file, or of a folder that holds some."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import numpy as np

from lrwatch.errors import RunUnreadable
from lrwatch.importing.event_files import is_event_file, unframed
from lrwatch.importing.foreign_run import Choice, ForeignRun, Trouble
from lrwatch.importing.series import Series, Value, rows_of_series
from lrwatch.importing.source import content_of, run_name
from lrwatch.importing.wire import fields

__all__ = ["TensorBoardEvents"]

_PATTERN: Final = "*tfevents*"
_MOST_FILES: Final = 1000
_SMALL: Final = 2**14
"""Bytes of event files of which it is looked whether a scalar is in them."""

# Fields of the messages Event, Summary.Value and TensorProto.
_WALL_TIME, _STEP, _SUMMARY = 1, 2, 5
_TAG, _SIMPLE, _TENSOR = 1, 2, 8
_DTYPE, _SHAPE, _CONTENT, _FLOATS, _DOUBLES = 1, 2, 4, 5, 6
_DTYPES: Final = {1: "<f4", 2: "<f8", 3: "<i4", 9: "<i8", 19: "<f2"}


class TensorBoardEvents:
    """Reads what `SummaryWriter` and TensorFlow write; needs neither."""

    name, title = "tensorboard", "TensorBoard events"

    def recognises(self, path: Path, head: bytes) -> float:
        """Say how sure it is that a source is of this kind."""
        if path.is_dir():
            files = _files(path)
            return (0.1 if _hold_no_scalars(files) else 0.9) if files else 0.0
        return 0.95 if is_event_file(head) else 0.0

    def read(self, path: Path, choice: Choice) -> list[ForeignRun]:
        """Read the run of a source; raises `RunUnreadable`."""
        files = _files(path) if path.is_dir() else [path]
        series: dict[str, Series] = {}
        troubles: list[Trouble] = []
        place = 0
        for file in files:
            records, why = unframed(content_of(file))
            for at, record in enumerate(records, 1):
                place += 1
                try:
                    _take(record, place, series)
                except ValueError as error:
                    troubles.append(Trouble(file, None, f"record {at}: {error}"))
            if why:
                troubles.append(Trouble(file, None, why))
        if not series:
            said = f": {troubles[0]}" if troubles else ""
            raise RunUnreadable(f"{path.name} has no scalars{said}")
        return [
            ForeignRun(
                run_name(path),
                rows_of_series(series, choice),
                self.title,
                columns={"step": "step"},
                notes=(f"{len(files)} event files are one run",) if len(files) > 1 else (),
                troubles=tuple(troubles[:20]),
            )
        ]


def _files(folder: Path) -> list[Path]:
    """Return the event files of a folder as they were begun: their names hold the second."""
    try:
        found = sorted(path for path in folder.glob(_PATTERN) if path.is_file())
    except OSError:
        return []
    return found[:_MOST_FILES]


def _hold_no_scalars(files: list[Path]) -> bool:
    """Tell whether files are such as hold hyperparameters, in folders of their own."""
    series: dict[str, Series] = {}
    try:
        if sum(file.stat().st_size for file in files) > _SMALL:
            return False
        for record in (record for file in files for record in unframed(content_of(file))[0]):
            _take(record, 0, series)
    except (RunUnreadable, OSError, ValueError):
        return False
    return not series


def _take(record: bytes | None, place: int, series: dict[str, Series]) -> None:
    """Add the scalars of an event."""
    if record is None:
        raise ValueError("its checksum is wrong")
    event = dict(fields(record))
    summary, time = event.get(_SUMMARY), event.get(_WALL_TIME)
    if not isinstance(summary, bytes):
        return
    step = event.get(_STEP, 0)
    number = step if isinstance(step, int) and step < 2**63 else 0
    seconds = _unpacked("<d", time) or 0.0
    for tag, value in _scalars(summary):
        series.setdefault(tag, []).append(Value(place, number, value, seconds))


def _unpacked(form: str, field: object) -> float | None:
    """Return the number in the bytes of a field; ``None`` if they are of another length."""
    if not isinstance(field, bytes) or len(field) != struct.calcsize(form):
        return None
    return float(struct.unpack(form, field)[0])


def _scalars(summary: bytes) -> Iterator[tuple[str, float]]:
    for _, message in fields(summary):
        if not isinstance(message, bytes):
            continue
        held = dict(fields(message))
        tag, simple, tensor = held.get(_TAG), held.get(_SIMPLE), held.get(_TENSOR)
        if not isinstance(tag, bytes):
            continue
        name = tag.decode("utf-8", "replace")
        if (scalar := _unpacked("<f", simple)) is not None:
            yield name, scalar
        elif isinstance(tensor, bytes) and (number := _scalar(tensor)) is not None:
            yield name, number


def _scalar(tensor: bytes) -> float | None:
    """Return the number in a tensor that has one; ``None`` of any other."""
    held: dict[int, Any] = dict(fields(tensor))
    kind = _DTYPES.get(held.get(_DTYPE, 0))
    if kind is None or held.get(_SHAPE):
        return None
    for number, width in ((_CONTENT, kind), (_FLOATS, "<f4"), (_DOUBLES, "<f8")):
        content = held.get(number)
        if isinstance(content, bytes) and len(content) == np.dtype(width).itemsize:
            return float(np.frombuffer(content, width)[0])
    return None
