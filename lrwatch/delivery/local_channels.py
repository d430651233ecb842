"""Receivers on this machine: the log, and a file with one JSON object a message."""

from __future__ import annotations

import logging
from pathlib import Path

from lrwatch.codec import encode
from lrwatch.delivery.channel import TIMEOUT, DeliveryFailed
from lrwatch.delivery.message import Message
from lrwatch.plain_files import append_line

__all__ = ["JsonLines", "LogLines"]

logger = logging.getLogger("lrwatch.alerts")


class LogLines:
    """Writes messages to the logger ``lrwatch.alerts``, as warnings."""

    kind = "log"
    timeout = TIMEOUT
    gap = 0.0

    def send(self, message: Message) -> None:
        """Write one record with the message's title, and its text below."""
        below = "".join(f"\n  {line}" for line in message.text.splitlines())
        logger.warning("%s%s", message.title, below)


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
        line = encode({"id": message.id, **message.payload()})
        try:
            with self._path.open("ab+", buffering=0) as file:
                is_whole = append_line(file, line)
        except OSError as error:
            raise DeliveryFailed(f"cannot be written: {error.strerror}") from None
        if not is_whole:
            raise DeliveryFailed("cannot be written: the disk is full")
