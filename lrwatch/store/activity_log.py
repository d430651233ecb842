"""``.lrwatch-activity.jsonl``: who silenced, tagged, renamed, archived or deleted what.

One object a line, only ever added to. It lies in the folder that holds the runs, as the trash does,
and holds `_MOST_BYTES`; an earlier one of that size is kept beside it. At an address it is one
object, replaced for each line. That something cannot be written down keeps nobody from doing it.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import logging
import os
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from lrwatch.activity import Activity, Actor
from lrwatch.codec import decode, encode
from lrwatch.errors import RunBusy
from lrwatch.plain_files import append_line, locked, open_plain
from lrwatch.store.layout import ACTIVITY, EARLIER_ACTIVITY
from lrwatch.store.mirroring.places import known_as, mirror_of
from lrwatch.system import move

if TYPE_CHECKING:
    from lrwatch.store.mirroring.mirror import StoreMirror

__all__ = ["ACTIVITY", "log_activity", "read_activity"]

logger = logging.getLogger("lrwatch")

_LOCK: Final = ".lrwatch-activity.lock"
_MOST_BYTES: Final = 4 * 2**20
_MOST_BYTES_THERE: Final = 2**18  # at an address, where each line writes all of them again
_BYTES_A_LINE: Final = 600  # a generous guess
_LONGEST_TEXT: Final = 200
_MOST_ITEMS: Final = 10


def log_activity(
    folder: Path,
    actor: Actor,
    action: str,
    *,
    run: str = "",
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Write down that somebody did something; a warning is logged where that cannot be done.

    Parameters
    ----------
    folder
        Folder that holds the runs.
    action
        What, in a word.
    run
        Name of the run's folder; empty if it was about more than one.
    before, after
        What was changed. Long texts and lists are cut.
    """
    now = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    line = {
        "time": f"{now}Z",
        "user": _cut(actor.user),
        "role": actor.role,
        "via": actor.via,
        "action": action,
        "run": run,
        "before": _in_small(before or {}),
        "after": _in_small(after or {}),
    }
    path = folder / ACTIVITY
    try:
        if mirror := mirror_of(folder):
            _add_there(mirror, path, encode(line))
            return
        with os.fdopen(open_plain(path, os.O_RDWR | os.O_APPEND | os.O_CREAT), "ab+") as file:
            append_line(file, encode(line))
            file.flush()
            is_full = os.fstat(file.fileno()).st_size >= _MOST_BYTES
    except (OSError, RunBusy) as error:
        reason = getattr(error, "strerror", "") or error
        where = known_as(path)
        logger.warning("%s was done, and not written down in %s: %s", action, where, reason)
        return
    if is_full:
        with contextlib.suppress(OSError):  # the next one who writes tries again
            _put_aside(path)


def _add_there(mirror: StoreMirror, path: Path, line: bytes) -> None:
    """Add a line to the object at an address; of two who do so at once, one comes after the other.

    A full one is kept beside it.
    """
    from lrwatch.store.mirroring.changing import change_object

    def longer(text: bytes | None) -> bytes:
        text = text or b""
        if len(text) >= _MOST_BYTES_THERE:
            mirror.send(path.with_name(EARLIER_ACTIVITY), text)
            text = b""
        if text and not text.endswith(b"\n"):
            text += b"\n"
        return text + line + b"\n"

    change_object(mirror, path, longer)


def read_activity(
    root: Path, folders: Iterable[Path] = (), *, run: str = "", last: int = 500
) -> list[Activity]:
    """Return what was done in a store, the latest last; damaged lines are ignored.

    Parameters
    ----------
    root
        The store.
    folders
        Those in it that hold runs, beside itself.
    run
        Path in the store of the one run to read of; ``.`` if the store itself is that run.
    last
        How many to return at most.
    """
    if run:
        return list(islice(_of_run((root / run).absolute(), run), last))[::-1]
    within = {folder for folder in folders if folder.is_relative_to(root)}
    found = [_in_folder(root, folder, last) for folder in sorted({root, *within})]
    latest_first = heapq.merge(*found, key=lambda done: done.time, reverse=True)
    return list(islice(latest_first, last))[::-1]


def _of_run(place: Path, key: str) -> Iterator[Activity]:
    named = json.dumps(place.name).encode()
    for line in _from_the_end(place.parent, 2 * _MOST_BYTES):
        if named in line:
            done = _decoded(line)
            if done is not None and done.run == place.name:
                yield replace(done, run=key)


def _in_folder(root: Path, folder: Path, last: int) -> Iterator[Activity]:
    above = folder.relative_to(root).as_posix()
    for line in _from_the_end(folder, last * _BYTES_A_LINE):
        done = _decoded(line)
        if done is not None:
            is_below = done.run and above != "."
            yield replace(done, run=f"{above}/{done.run}") if is_below else done


def _decoded(line: bytes) -> Activity | None:
    try:
        return decode(line, Activity)
    except ValueError:
        return None


def _from_the_end(folder: Path, most: int) -> Iterator[bytes]:
    """Yield the lines within so many bytes of the end of each file, the last one first."""
    for name in (ACTIVITY, EARLIER_ACTIVITY):
        try:
            with os.fdopen(open_plain(folder / name), "rb") as file:
                begin = max(file.seek(0, os.SEEK_END) - most, 0)
                file.seek(begin)
                lines = file.read(most).splitlines()[1 if begin else 0 :]
        except OSError:
            continue
        yield from reversed(lines)


def _put_aside(path: Path) -> None:
    """Begin a new file; of two who find it full, one does so."""
    with locked(path.with_name(_LOCK)):
        if path.stat().st_size >= _MOST_BYTES:
            move(path, path.with_name(EARLIER_ACTIVITY))


def _in_small(said: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _short(value) for name, value in said.items()}


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST_TEXT else text[: _LONGEST_TEXT - 1] + "…"


def _short(value: Any) -> Any:
    if isinstance(value, str):
        return _cut(value)
    if isinstance(value, (list, tuple)):
        more = [f"and {len(value) - _MOST_ITEMS} more"] if len(value) > _MOST_ITEMS else []
        return [*map(_short, value[:_MOST_ITEMS]), *more]
    return value
