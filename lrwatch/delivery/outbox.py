"""Messages on their way, written down before anybody is told: a killed watcher loses none.

::

    outbox/msg_0f.json        a message, and for each receiver: pending, sent, gave_up or dropped
    outbox/done/msg_0e.json   its title and what became of it; the newest thousand are kept
"""

from __future__ import annotations

import contextlib
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from lrwatch.delivery.message import Message
from lrwatch.plain_files import read_object, remove_unfinished, replace_object
from lrwatch.soundness import is_sound

__all__ = ["Letter", "Outbox", "Standing"]

logger = logging.getLogger("lrwatch.alerts")

_FORMAT: Final = 1
_DONE_KEPT: Final = 1000
_UNREADABLE: Final = (
    OSError,
    AttributeError,
    KeyError,
    TypeError,
    ValueError,
    OverflowError,
)
_ID: Final = re.compile(r"[\w-]{1,80}", re.ASCII)  # it becomes a file name


@dataclass(slots=True)
class Standing:
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
class Letter:
    """A message, and how far it has come.

    Attributes
    ----------
    message
        What is said.
    standings
        By receiver.
    queued_at
        When it was written down, seconds since the Unix epoch.
    """

    message: Message
    standings: dict[str, Standing]
    queued_at: float = field(default_factory=time.time)

    @property
    def is_done(self) -> bool:
        """Whether nobody has still to be told; not before there was somebody."""
        states = [standing.state for standing in self.standings.values()]
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
        # In the order in which they were done; a dictionary because it keeps that.
        self._done = dict.fromkeys(_by_age(self._done_folder))
        self._forget_old()

    def letters(self) -> list[Letter]:
        """Read the messages that are not done, the oldest first; damaged files are left out."""
        found = []
        for message_id in _by_age(self._folder):
            path = self._path(message_id)
            if message_id in self._done:  # killed between the two steps of `finish`
                with contextlib.suppress(OSError):
                    path.unlink(missing_ok=True)
                continue
            try:
                content = read_object(path)
                if content is not None:
                    found.append(_letter(content, message_id))
            except _UNREADABLE as error:
                logger.warning("%s is left out, it cannot be read: %s", path.name, error)
        return sorted(found, key=lambda letter: letter.queued_at)

    def is_done(self, message_id: str) -> bool:
        """Tell whether a message was done with, lately enough to be remembered."""
        return message_id in self._done

    def write(self, letter: Letter) -> None:
        """Write a message down, or how far it has come.

        Raises
        ------
        OSError
            If it cannot be written; what was written before is then left as it was.
        """
        replace_object(self._path(letter.message.id), _record(letter))

    def finish(self, letter: Letter) -> None:
        """Replace a message that nobody has to be told any more by a note that it is done.

        Raises
        ------
        OSError
            If it cannot be written. It is taken for done all the same, by this process.
        """
        message_id = letter.message.id
        self._done[message_id] = None
        replace_object(self._done_path(message_id), _note(letter))
        self._path(message_id).unlink(missing_ok=True)
        self._forget_old()

    def _forget_old(self) -> None:
        for message_id in list(self._done)[:-_DONE_KEPT]:
            del self._done[message_id]
            with contextlib.suppress(OSError):
                self._done_path(message_id).unlink(missing_ok=True)

    def _path(self, message_id: str) -> Path:
        if not _ID.fullmatch(message_id):
            raise ValueError(f"the id of a message must match {_ID.pattern}, got {message_id!r}")
        return self._folder / f"{message_id}.json"

    def _done_path(self, message_id: str) -> Path:
        return self._done_folder / f"{message_id}.json"


def _by_age(folder: Path) -> list[str]:
    """Return the ids of the messages in a folder, the one that was written first first."""
    found = []
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.suffix == ".json" and _ID.fullmatch(path.stem):
                with contextlib.suppress(OSError):
                    found.append((path.stat().st_mtime_ns, path.stem))
    return [message_id for _, message_id in sorted(found)]


def _record(letter: Letter) -> dict[str, Any]:
    return {**_standings(letter), "message": letter.message.record()}


def _note(letter: Letter) -> dict[str, Any]:
    return {**_standings(letter), "title": letter.message.title, "done_at": time.time()}


def _standings(letter: Letter) -> dict[str, Any]:
    return {
        "format": _FORMAT,
        "queued_at": letter.queued_at,
        "receivers": {name: asdict(standing) for name, standing in letter.standings.items()},
    }


def _letter(content: Mapping[str, Any], message_id: str) -> Letter:
    if content["format"] != _FORMAT or content["message"]["id"] != message_id:
        raise ValueError(f"it is no message of format {_FORMAT}, or another one")
    standings = {
        str(name): Standing(
            state=standing["state"],
            tries=int(standing["tries"]),
            next_at=float(standing["next_at"]),
        )
        for name, standing in content["receivers"].items()
    }
    message = Message.from_record(content["message"])
    if not is_sound(message):
        raise TypeError("its message holds what no watcher writes")
    message.payload()  # a time that no calendar has would fail at every attempt
    return Letter(message, standings, float(content["queued_at"]))
