"""A file with one JSON object a message, for scripts and log shippers."""

from __future__ import annotations

import json
import os
from pathlib import Path

from lrwatch.delivery.channel import TIMEOUT, DeliveryFailed
from lrwatch.delivery.message import Message

__all__ = ["JsonLines"]


class JsonLines:
    """Adds messages to a file: their id, and what a webhook is sent.

    Parameters
    ----------
    path
        Made if it is missing, its folder is not. Other processes may write to it too.
    """

    kind = "jsonl"
    timeout = TIMEOUT
    gap = 0.0

    def __init__(self, path: Path) -> None:
        self._path = path.absolute()

    def send(self, message: Message) -> None:
        """Add one line."""
        line = json.dumps({"id": message.id, **message.payload()}, allow_nan=False) + "\n"
        try:
            with self._path.open("ab+", buffering=0) as file:
                # A line that a kill or a full disk cut short must not swallow this one.
                if (
                    file.seek(0, os.SEEK_END)
                    and file.seek(-1, os.SEEK_END)
                    and file.read(1) != b"\n"
                ):
                    line = "\n" + line
                written = file.write(line.encode())
        except OSError as error:
            raise DeliveryFailed(f"cannot be written: {error.strerror}") from None
        if written != len(line):
            raise DeliveryFailed("cannot be written: the disk is full")
