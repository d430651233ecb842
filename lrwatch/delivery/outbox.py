"""Messages on their way, saved before anything is sent: a killed watcher loses none.

::

    outbox/msg_0f.json          a message, and for each receiver: pending, sent, gave_up, dropped
    outbox/done/msg_0e.7.json   the same of message number 7, which is done; a thousand are kept

It is also the memory of what was sent: messages are numbered, and whoever remembers up to which
number they have taken account of messages finds those that came after (`Outbox.since`).
"""

from __future__ import annotations

import contextlib
import logging
import re
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal

from lrwatch.codec import read_record, write_record
from lrwatch.delivery.message import Message
from lrwatch.plain_files import remove_unfinished

__all__ = ["Outbox", "Progress", "QueuedMessage"]

logger = logging.getLogger("lrwatch.alerts")

_DONE_KEPT: Final = 1000
_ID: Final = re.compile(r"[\w-]{1,80}", re.ASCII)  # it becomes a file name
_NAME: Final = re.compile(rf"({_ID.pattern})(?:\.(\d{{1,19}}))?\.json", re.ASCII)


@dataclass(slots=True)
class Progress:
    """How far a message has come with one receiver.

    Attributes
    ----------
    state
        ``gave_up`` after a permanent answer or too long a time, ``dropped`` from a full queue.
    tries
        Attempts that failed.
    next_at
        Until when the receiver asked to be left alone, seconds since the Unix epoch; 0 if it
        did not ask.
    """

    state: Literal["pending", "sent", "gave_up", "dropped"] = "pending"
    tries: int = 0
    next_at: float = 0.0


@dataclass(slots=True)
class QueuedMessage:
    """A message, and how far it has come.

    Attributes
    ----------
    message
        What is sent.
    receivers
        By name of the receiver.
    queued_at
        When it was saved, seconds since the Unix epoch.
    number
        Greater than those of all messages before it, whatever the clock says; 0 if it was
        written by a version that did not count.
    """

    message: Message
    receivers: dict[str, Progress]
    queued_at: float = field(default_factory=time.time)
    number: int = 0

    @property
    def is_done(self) -> bool:
        """Whether no receiver has still to get it; not before there was one."""
        states = [progress.state for progress in self.receivers.values()]
        return bool(states) and "pending" not in states


class Outbox:
    """The folder of messages on their way. One process at a time uses it.

    Parameters
    ----------
    folder
        Made with the first message.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._done_folder = folder / "done"
        for each in (self._folder, self._done_folder):
            remove_unfinished(each)
        self._done = _numbers(self._done_folder)  # in the order in which they were done
        self._forget_old()

    @property
    def last_done(self) -> int:
        """Greatest number of a message that is done; 0 if there is none."""
        return max(self._done.values(), default=0)

    def queued(self) -> list[QueuedMessage]:
        """Read the messages that are not done, the oldest first; damaged files are ignored."""
        found = []
        for message_id in _numbers(self._folder):
            path = self._path(message_id)
            if message_id in self._done:  # killed between the two steps of `write`
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
            else:
                found += _read(path)
        return sorted(found, key=lambda queued: (queued.number, queued.queued_at))

    def since(self, number: int) -> list[Message]:
        """Read the messages with greater numbers, done or not, the oldest first."""
        done = [self._done_path(i, n) for i, n in self._done.items() if n > number]
        found = [*self.queued(), *(each for path in done for each in _read(path))]
        found.sort(key=lambda queued: queued.number)
        return [queued.message for queued in found if queued.number > number]

    def is_done(self, message_id: str) -> bool:
        """Tell whether a message is done, recently enough to be remembered."""
        return message_id in self._done

    def write(self, queued: QueuedMessage) -> None:
        """Save a message, or how far it has come.

        Raises
        ------
        OSError
            If it cannot be written; what was written before is then left as it was. A message
            that is done counts as done all the same, in this process.
        """
        message_id, number = queued.message.id, queued.number
        path = self._path(message_id)
        if not queued.is_done:
            write_record(path, queued)
            return
        self._done[message_id] = number
        write_record(self._done_path(message_id, number), queued)
        path.unlink(missing_ok=True)
        self._forget_old()

    def _forget_old(self) -> None:
        for message_id in list(self._done)[:-_DONE_KEPT]:
            with contextlib.suppress(OSError):
                self._done_path(message_id, self._done.pop(message_id)).unlink(missing_ok=True)

    def _path(self, message_id: str) -> Path:
        if not _ID.fullmatch(message_id):
            raise ValueError(f"the id of a message must match {_ID.pattern}, got {message_id!r}")
        return self._folder / f"{message_id}.json"

    def _done_path(self, message_id: str, number: int) -> Path:
        # Those of versions that did not count have no number in their name either.
        return self._done_folder / (
            f"{message_id}.{number}.json" if number else f"{message_id}.json"
        )


def _numbers(folder: Path) -> dict[str, int]:
    """Return the number in each file's name, or 0, by the message's id, the oldest file first."""
    found = []
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if match := _NAME.fullmatch(path.name):
                with contextlib.suppress(OSError):
                    found.append((path.stat().st_mtime_ns, match[1], int(match[2] or 0)))
    return {message_id: number for _, message_id, number in sorted(found)}


def _read(path: Path) -> list[QueuedMessage]:
    """Read a message; there is none in a file that is gone or damaged."""
    why: object = "its name is not the id of its message"
    try:
        queued = read_record(path, QueuedMessage)
        if queued is None:
            return []
        queued.message.payload()  # a time that no calendar has would fail at every attempt
        if queued.message.id == path.name.partition(".")[0]:
            return [queued]
    except (ValueError, OverflowError, OSError) as error:
        why = error
    logger.warning("%s is ignored: %s", path.name, why)
    return []
