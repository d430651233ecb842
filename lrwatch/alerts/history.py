"""What happened, in order: ``history.jsonl``, one object a line, only ever added to."""

from __future__ import annotations

import json
import os
import time
from typing import Any, Final, Literal

from lrwatch.codec import encode
from lrwatch.plain_files import alerts_folder, made_folder, open_plain

__all__ = ["Event", "add_history", "read_history"]

Event = Literal[
    "firing",
    "recovering",
    "resolved",
    "closed",
    "sent",
    "failed",
    "dropped",
    "acknowledged",
    "silenced",
    "silence_ended",
    "config",
    "started",
    "problem",
]

_HISTORY: Final = "history.jsonl"
_BYTES_A_LINE: Final = 2000  # a generous guess; reading stops there when lines are longer


def add_history(store: str | os.PathLike[str], event: Event, **about: Any) -> None:
    """Add a line; only the watcher of the store does.

    Raises
    ------
    OSError
        If it cannot be written.
    """
    path = made_folder(alerts_folder(store)) / _HISTORY
    line = encode({"at": time.time(), "event": event, **about}) + b"\n"
    with os.fdopen(open_plain(path, os.O_RDWR | os.O_APPEND | os.O_CREAT), "ab+") as file:
        # A line that a kill or a full disk cut short must not swallow this one.
        if file.tell() and _last_byte(file) != b"\n":
            line = b"\n" + line
        file.write(line)


def read_history(store: str | os.PathLike[str], *, last: int = 500) -> list[dict[str, Any]]:
    """Return the last lines, oldest first; damaged ones are ignored.

    Raises
    ------
    OSError
        If the file is there and cannot be read.
    """
    path = alerts_folder(store) / _HISTORY
    try:
        with os.fdopen(open_plain(path), "rb") as file:
            begin = max(file.seek(0, os.SEEK_END) - last * _BYTES_A_LINE, 0)
            file.seek(begin)
            lines = file.read().splitlines()[1 if begin else 0 :]
    except FileNotFoundError:
        return []
    found = [content for line in lines if (content := _object(line)) is not None]
    return found[-last:]


def _last_byte(file: Any) -> bytes:
    file.seek(-1, os.SEEK_END)
    byte: bytes = file.read(1)
    return byte


def _object(line: bytes) -> dict[str, Any] | None:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return content if isinstance(content, dict) else None
