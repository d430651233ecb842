"""What happened, in order: ``history.jsonl``, one object a line, only ever added to."""

from __future__ import annotations

import contextlib
import os
import time
from typing import Any, Final, Literal

from lrwatch.alert import State
from lrwatch.codec import decode, encode
from lrwatch.delivery import DeliveryEvent
from lrwatch.plain_files import alerts_folder, append_line, made_folder, open_plain

__all__ = ["Event", "add_history", "read_history"]

Event = Literal[
    State,
    DeliveryEvent,
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
    with os.fdopen(open_plain(path, os.O_RDWR | os.O_APPEND | os.O_CREAT), "ab+") as file:
        append_line(file, encode({"at": time.time(), "event": event, **about}))


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
    found = []
    for line in lines:
        with contextlib.suppress(ValueError):
            found.append(decode(line, dict[str, Any]))
    return found[-last:]
