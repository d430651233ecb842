"""Importer of ``.wandb`` files: what Weights & Biases keeps of an offline run, without its package.

The file is a LevelDB log of protocol-buffer records: blocks of 32 KiB, in them chunks of

    uint32  CRC-32 of the type and the data
    uint16  length of the data
    uint8   type: 1 a whole record, 2 its first chunk, 3 one in the middle, 4 its last
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from lrwatch.errors import RunUnreadable
from lrwatch.importing.cells import RawTable, typed
from lrwatch.importing.foreign_run import Choice, ForeignRun, Trouble
from lrwatch.importing.source import content_of
from lrwatch.importing.wire import fields

__all__ = ["WandbOffline"]

_MAGIC: Final = b":W&B"
_FILE_HEADER: Final = 7
_BLOCK: Final = 32_768
_CHUNK: Final = struct.Struct("<IHB")
_FULL, _FIRST, _LAST = 1, 2, 4
_MOST_TOLD: Final = 20

# Fields of Record, RunRecord, HistoryRecord and of the items of history and configuration.
_HISTORY, _CONFIG, _RUN, _EXIT = 2, 5, 17, 18
_RUN_ID, _RUN_CONFIG, _RUN_NAME = 1, 4, 8
_ITEM, _HISTORY_STEP = 1, 2
_KEY, _NESTED_KEY, _VALUE_JSON = 1, 2, 16
_BOOLEAN, _INTEGER, _NUMBER, _TEXT, _JSON = 4, 5, 6, 7, 8


class WandbOffline:
    """Reads the history, the configuration and the name of a run."""

    name, title = "wandb", "wandb offline run"

    def recognises(self, path: Path, head: bytes) -> float:
        """Say how sure it is that a file is of this kind."""
        return 0.99 if head.startswith(_MAGIC) else 0.0

    def read(self, path: Path, choice: Choice) -> list[ForeignRun]:
        """Read the run of a file; raises `RunUnreadable`."""
        content = content_of(path)
        if not content.startswith(_MAGIC):
            raise RunUnreadable(f"{path.name} is no file of wandb")
        kept = _Kept()
        broken: list[Trouble] = []
        for at, (record, why) in enumerate(_records(content), 1):
            try:
                kept.take(record, at)
            except ValueError as error:
                broken.append(Trouble(path, None, f"record {at}: {error}"))
            if why:
                broken.append(Trouble(path, None, f"record {at}: {why}"))
        if not kept.rows:
            said = f": {broken[0]}" if broken else "; nothing was logged, or not yet written"
            raise RunUnreadable(f"{path.name} has no history{said}")
        raw = RawTable.of_rows(path, kept.rows)
        table = typed(raw)
        return [
            ForeignRun(
                kept.name or path.stem.removeprefix("run-"),
                table,
                self.title,
                config={k: value for k, value in kept.config.items() if not k.startswith("_")},
                is_over=kept.is_over or None,
                troubles=(*raw.troubles, *broken[:_MOST_TOLD]),
            )
        ]


@dataclass(slots=True)
class _Kept:
    """What the records of a file come to."""

    rows: list[tuple[int, dict[str, Any]]] = field(default_factory=list)
    config: dict[str, Any] = field(default_factory=dict)
    name: str = ""
    is_over: bool = False

    def take(self, record: bytes, at: int) -> None:
        """Add a record; raises `ValueError` if it is none."""
        held = dict(fields(record))
        if history := _bytes(held, _HISTORY):
            self.rows.append((at, _history_row(history)))
        elif about := _bytes(held, _RUN):
            self.name, settings = _about_run(about)
            self.config |= settings
        elif updates := _bytes(held, _CONFIG):
            self.config |= _items(updates)
        self.is_over |= _EXIT in held


def _bytes(held: dict[int, Any], number: int) -> bytes:
    value = held.get(number)
    return value if isinstance(value, bytes) else b""


def _history_row(history: bytes) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for number, value in fields(history):
        if number == _HISTORY_STEP and isinstance(value, bytes):
            row.setdefault("_step", dict(fields(value)).get(1, 0))
    return _items(history) | row if "_step" not in row else {**row, **_items(history)}


def _about_run(about: bytes) -> tuple[str, dict[str, Any]]:
    held = dict(fields(about))
    name = _bytes(held, _RUN_NAME) or _bytes(held, _RUN_ID)
    return name.decode("utf-8", "replace"), _items(_bytes(held, _RUN_CONFIG))


def _items(message: bytes) -> dict[str, Any]:
    """Return the items of a history record, or of a configuration."""
    found: dict[str, Any] = {}
    for number, item in fields(message):
        if number == _ITEM and isinstance(item, bytes):
            keys: list[str] = []
            value: Any = None
            for inner, content in fields(item):
                if inner in (_KEY, _NESTED_KEY) and isinstance(content, bytes):
                    keys.append(content.decode("utf-8", "replace"))
                else:
                    value = _value(inner, content, value)
            found["/".join(filter(None, keys))] = value
    return found


def _value(number: int, content: Any, otherwise: Any) -> Any:
    """Return what a field of an item holds; `otherwise` if it is another kind of field."""
    if number in (_VALUE_JSON, _JSON) and isinstance(content, bytes):
        return json.loads(content.decode("utf-8", "replace"))
    if number == _NUMBER and isinstance(content, bytes) and len(content) == struct.calcsize("<d"):
        return struct.unpack("<d", content)[0]
    if number == _INTEGER and isinstance(content, int):
        return content >> 1 ^ -(content & 1)
    if number == _BOOLEAN and isinstance(content, int):
        return bool(content)
    if number == _TEXT and isinstance(content, bytes):
        return content.decode("utf-8", "replace")
    return otherwise


def _records(content: bytes) -> Iterator[tuple[bytes, str]]:
    """Yield each record and why it, or what follows, cannot be read; empty if it can."""
    parts, is_open = b"", False
    for kind, data, why in _chunks(content):
        if why:
            is_open = False
            yield b"", why
        elif kind in (_FULL, _FIRST):
            parts, is_open = data, True
        elif is_open:
            parts += data
        if is_open and kind in (_FULL, _LAST):
            yield parts, ""
            is_open = False


def _chunks(content: bytes) -> Iterator[tuple[int, bytes, str]]:
    """Yield type and data of each chunk, or why there is none."""
    at = _FILE_HEADER
    while at < len(content):
        left = _BLOCK - at % _BLOCK
        head = content[at : at + _CHUNK.size]
        if left < _CHUNK.size or not any(head):  # zeros up to the end of the block
            at += left
            continue
        crc, size, kind = _CHUNK.unpack(head) if len(head) == _CHUNK.size else (0, _BLOCK, 0)
        data = content[at + _CHUNK.size : at + _CHUNK.size + size]
        if len(data) < size:
            yield 0, b"", "the file ends within it"
            return
        if size > left - _CHUNK.size or zlib.crc32(data, zlib.crc32(bytes([kind]))) != crc:
            yield 0, b"", "its checksum is wrong; the rest of its block is left out"
            at += left
            continue
        yield kind, data, ""
        at += _CHUNK.size + size
