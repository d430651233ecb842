"""A line in the log, for those who watch a terminal or collect logs."""

from __future__ import annotations

import logging

from lrwatch.delivery.channel import TIMEOUT
from lrwatch.delivery.message import Message

__all__ = ["LogLines"]

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
