"""What people say about alerts: "not now" (a silence, with an end and a reason), "I am on it".

One file each, written by whoever says it and read by the watcher, so that no program has to
ask another one.
"""

from __future__ import annotations

import contextlib
import os
import re
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final, TypeVar

from lrwatch.activity import editor
from lrwatch.alert import Alert
from lrwatch.codec import as_record, read_record
from lrwatch.errors import InvalidArgument, StateUnreadable
from lrwatch.plain_files import alerts_folder, refuse_links
from lrwatch.store.activity_log import log_activity

__all__ = [
    "LONGEST_SILENCE",
    "Acknowledgement",
    "Matcher",
    "Silence",
    "acknowledge",
    "acknowledgements",
    "add_silence",
    "end_silence",
    "expired_silences",
    "forget_acknowledgement",
    "silences",
]

LONGEST_SILENCE: Final = 30 * 86400.0
"""Seconds; what has to be silent for longer is a rule to switch off."""

_AHEAD_SECONDS: Final = 86400.0
"""How far the clock of whoever silences something may be ahead of ours."""

_ID: Final = re.compile(r"[0-9a-f]{16}")

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Matcher:
    """Which alerts a silence is about.

    Attributes
    ----------
    run, group, rule
        Patterns as the shell has them, ``*`` for all: of the run's name or its path in the
        store, of the name that the runs of a job share, and of the rule.
    """

    run: str = "*"
    group: str = "*"
    rule: str = "*"

    def matches(self, alert: Alert, run_key: str) -> bool:
        """Tell whether this is about an alert on the run at `run_key` in the store."""
        return (
            (fnmatchcase(alert.run, self.run) or fnmatchcase(run_key, self.run))
            and fnmatchcase(alert.group or "", self.group)
            and fnmatchcase(alert.rule, self.rule)
        )


@dataclass(frozen=True, slots=True)
class Silence:
    """Alerts that are not sent for a while.

    Attributes
    ----------
    id
        16 hexadecimal digits.
    matcher
        Which alerts.
    ends_at, created_at
        Seconds since the Unix epoch.
    reason, by
        Why, and who made it.
    until_worse
        An alert of higher severity than those that it silences on a run is sent all the same.
    """

    id: str
    matcher: Matcher
    ends_at: float
    created_at: float
    reason: str
    by: str = ""
    until_worse: bool = False


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Somebody is handling an alert: it is not repeated.

    Attributes
    ----------
    alert, episode
        Id of the alert, and which episode of it.
    by, at, note
        Who, when (seconds since the Unix epoch), and what they say.
    """

    alert: str
    episode: int
    by: str
    at: float
    note: str = ""


def add_silence(
    store: str | os.PathLike[str],
    matcher: Matcher,
    *,
    seconds: float,
    reason: str,
    by: str = "",
    until_worse: bool = False,
) -> Silence:
    """Silence alerts of a store for so many seconds from now on.

    Raises
    ------
    InvalidArgument
        If there is no reason, or the time is not between 0 and `LONGEST_SILENCE`.
    NotAllowed
        If who acts here may only look.
    OSError
        If it cannot be written.
    """
    actor = editor()
    if not reason.strip():
        raise InvalidArgument("a silence needs a reason, so that others know why no alerts arrive")
    if not 0 < seconds <= LONGEST_SILENCE:
        days = LONGEST_SILENCE / 86400
        raise InvalidArgument(
            f"a silence must end between now and {days:.0f} days from now, got {seconds:g} seconds"
        )
    now = time.time()
    silence = Silence(
        id=uuid.uuid4().hex[:16],
        matcher=matcher,
        ends_at=now + seconds,
        created_at=now,
        reason=reason.strip(),
        by=by,
        until_worse=until_worse,
    )
    _write(store, _silence_path(store, silence), silence)
    log_activity(Path(store), actor, "silence", after=_in_log(silence))
    return silence


def silences(store: str | os.PathLike[str]) -> list[Silence]:
    """Return the silences that hold now, the one that ends first first."""
    now = time.time()
    return [silence for silence in _all_silences(store) if silence.ends_at > now]


def expired_silences(store: str | os.PathLike[str]) -> list[Silence]:
    """Return the silences that are over and whose files are still there."""
    now = time.time()
    return [silence for silence in _all_silences(store) if silence.ends_at <= now]


def end_silence(store: str | os.PathLike[str], silence_id: str) -> None:
    """End a silence; one that is not there is over already.

    Raises
    ------
    InvalidArgument
        If `silence_id` is not an id.
    NotAllowed
        If who acts here may only look.
    OSError
        If its file cannot be removed.
    """
    actor, path = editor(), _path(store, "silences", silence_id)
    held = next((silence for silence in silences(store) if silence.id == silence_id), None)
    _remove(store, path)
    if held is not None:  # what is over by itself, nobody has ended
        log_activity(Path(store), actor, "unsilence", before=_in_log(held))


def acknowledge(
    store: str | os.PathLike[str],
    alert: str,
    episode: int,
    *,
    by: str,
    note: str = "",
    run: str = "",
) -> Acknowledgement:
    """Say that somebody is handling an episode of an alert.

    Parameters
    ----------
    alert, episode
        Id of the alert, and its episode.
    by, note
        Who, and what they say.
    run
        Path in the store of the run that it is about, for the log of who did what.

    Raises
    ------
    InvalidArgument
        If `alert` is not an id.
    NotAllowed
        If who acts here may only look.
    OSError
        If it cannot be written.
    """
    actor = editor()
    said = Acknowledgement(alert, int(episode), by, time.time(), note)
    _write(store, _acknowledgement_path(store, said), said)
    about = {"alert": said.alert, "episode": said.episode, "by": by, "note": note}
    log_activity(Path(store), actor, "acknowledge", run=run, after=about)
    return said


def forget_acknowledgement(store: str | os.PathLike[str], said: Acknowledgement) -> None:
    """Remove the acknowledgement of an alert that has been forgotten.

    Raises
    ------
    OSError
        If its file cannot be removed.
    """
    _remove(store, _acknowledgement_path(store, said))


def acknowledgements(store: str | os.PathLike[str]) -> dict[tuple[str, int], Acknowledgement]:
    """Return who is handling which alert, by its id and episode."""
    return {
        (said.alert, said.episode): said
        for said in _records(store, "acks", Acknowledgement, _acknowledgement_path)
    }


def _in_log(silence: Silence) -> dict[str, str]:
    matcher = silence.matcher
    ends = datetime.fromtimestamp(silence.ends_at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    about = {"runs": matcher.run, "group": matcher.group, "rule": matcher.rule}
    said = {name: pattern for name, pattern in about.items() if pattern != "*"}
    return {**said, "until": ends, "reason": silence.reason, "by": silence.by}


def _acknowledgement_path(store: str | os.PathLike[str], said: Acknowledgement) -> Path:
    return _path(store, "acks", said.alert, f"-{said.episode}")


def _silence_path(store: str | os.PathLike[str], silence: Silence) -> Path:
    return _path(store, "silences", silence.id)


def _write(store: str | os.PathLike[str], path: Path, said: Silence | Acknowledgement) -> None:
    from lrwatch.store.mirroring.changing import write_file  # not in a training

    write_file(Path(store), path, as_record(said))


def _remove(store: str | os.PathLike[str], path: Path) -> None:
    from lrwatch.store.mirroring.changing import remove_file

    remove_file(Path(store), path)


def _path(store: str | os.PathLike[str], folder: str, id_: str, more: str = "") -> Path:
    """Ids become file names, and come from web pages and files: nothing else may pass."""
    if not _ID.fullmatch(id_):
        raise InvalidArgument(f"an id must be 16 hexadecimal digits, got {id_!r}")
    return alerts_folder(store) / folder / f"{id_}{more}.json"


def _all_silences(store: str | os.PathLike[str]) -> list[Silence]:
    found = filter(_can_end, _records(store, "silences", Silence, _silence_path))
    return sorted(found, key=lambda silence: (silence.ends_at, silence.id))


def _can_end(silence: Silence) -> bool:
    """Tell whether a silence ends within the longest time, as one of `add_silence` does."""
    lasts = silence.ends_at - silence.created_at
    # A second more, for what rounding adds.
    return lasts <= LONGEST_SILENCE + 1.0 and silence.created_at <= time.time() + _AHEAD_SECONDS


def _records(
    store: str | os.PathLike[str],
    name: str,
    kind: type[T],
    path_of: Callable[[str | os.PathLike[str], T], Path],
) -> Iterator[T]:
    """Read the files of a folder; damaged, half-written and misnamed ones are ignored."""
    folder = alerts_folder(store) / name
    try:
        refuse_links(folder)
        paths = sorted(path for path in folder.iterdir() if path.suffix == ".json")
    except OSError:
        return
    for path in paths:
        with contextlib.suppress(StateUnreadable, InvalidArgument):
            record = read_record(path, kind)
            if record is not None and path_of(store, record) == path:
                yield record
