"""Runs that were thrown away: moved aside beside where they were, and gone for good after a while.

``.lrwatch-trash/20261126T204512-1a2b3c4d/NAME`` is the run ``NAME`` of the folder that holds the
trash; the dot keeps it out of every list of runs. A folder is moved by one rename, so that a run
is here or there at any moment, and can be taken back by hand as well.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from lrwatch.activity import editor
from lrwatch.errors import InvalidArgument, RunBusy, RunNotFound, RunUnreadable
from lrwatch.plain_files import refuse_links
from lrwatch.store.activity_log import log_activity
from lrwatch.store.layout import is_run
from lrwatch.store.mirroring.changing import move_run, objects_below
from lrwatch.store.mirroring.mirror import StoreMirror
from lrwatch.store.mirroring.names import is_holdable
from lrwatch.store.mirroring.places import known_as, mirror_above, mirror_of
from lrwatch.store.ownership import writer_is_gone
from lrwatch.store.run_info import read_run_info

__all__ = ["KEPT_DAYS", "ThrownAway", "empty_trash", "take_back", "throw_away", "thrown_away"]

TRASH: Final = ".lrwatch-trash"
KEPT_DAYS: Final = 30
_TIME: Final = "%Y%m%dT%H%M%S"
_ENTRY: Final = re.compile(r"(\d{8}T\d{6})-[0-9a-f]{8}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ThrownAway:
    """A run in the trash.

    Attributes
    ----------
    run
        Where it was.
    held
        Where it is.
    at
        When it was thrown away, seconds since the Unix epoch.
    """

    run: Path
    held: Path
    at: float


def throw_away(run: Path, *, force: bool = False) -> ThrownAway:
    """Move a run into the trash of its folder; a link is moved, and not what it names.

    What has been there for `KEPT_DAYS` is removed.

    Parameters
    ----------
    force
        Also a run that is being written, whose recording then ends.

    Raises
    ------
    RunNotFound
        If there is no run.
    RunBusy
        If it is running.
    NotAllowed
        If who acts here may only look.
    OSError
        If it cannot be moved.
    """
    actor = editor()
    if not is_run(run):
        raise RunNotFound(f"there is no run at {known_as(run)}")
    if not force and _is_running(run):
        raise RunBusy(
            f"{known_as(run)} is running; end it first, or remove it all the same with --force"
        )
    run = run.absolute()
    now = time.time()
    at = datetime.fromtimestamp(now, UTC).strftime(_TIME)
    entry = run.parent / TRASH / f"{at}-{uuid.uuid4().hex[:8]}"
    if mirror := mirror_above(run):
        _move_there(mirror, run, entry / run.name)
    else:
        _move_aside(run, entry)
    held = (entry / run.name).relative_to(run.parent)
    log_activity(run.parent, actor, "delete", run=run.name, after={"held": held.as_posix()})
    with contextlib.suppress(OSError):
        empty_trash(run.parent, days=KEPT_DAYS)
    return ThrownAway(run, entry / run.name, now)


def take_back(run: Path, held: Path | None = None) -> None:
    """Move a run out of the trash to where it was.

    Parameters
    ----------
    held
        Which one, if several of its name were thrown away; by default the last.

    Raises
    ------
    RunNotFound
        If it is not in the trash.
    InvalidArgument
        If there is something else at its place.
    NotAllowed
        If who acts here may only look.
    OSError
        If it cannot be moved.
    """
    actor = editor()
    run = run.absolute()
    found = [one for one in thrown_away(run.parent) if one.run == run and held in (None, one.held)]
    if not found:
        raise RunNotFound(
            f"{known_as(run)} is not in the trash; it keeps runs for {KEPT_DAYS} days"
        )
    mirror = mirror_above(run)
    if objects_below(mirror, mirror.key_of(run)) if mirror else os.path.lexists(run):
        raise InvalidArgument(
            f"{known_as(run)} is there again; move it away to take back the earlier one"
        )
    if mirror:
        _move_there(mirror, found[-1].held, run)
    else:
        found[-1].held.rename(run)
        _drop(found[-1].held.parent)
    log_activity(run.parent, actor, "restore", run=run.name)


def thrown_away(folder: Path) -> list[ThrownAway]:
    """Return what is in the trash of a folder, the oldest first."""
    if mirror := mirror_of(folder):
        return _thrown_away_there(mirror, folder)
    trash, found = folder.absolute() / TRASH, []
    with contextlib.suppress(OSError):
        refuse_links(trash)
        for entry in trash.iterdir():
            at = _time_of(entry.name)
            if at is None or entry.is_symlink():
                continue
            held = [run for run in entry.iterdir() if not run.name.startswith(".")]
            found += [ThrownAway(folder.absolute() / run.name, run, at) for run in held]
    return sorted(found, key=lambda one: (one.at, one.held.stat().st_ctime))


def empty_trash(folder: Path, *, days: float = 0) -> int:
    """Remove for good what has been in the trash of a folder for so long; return how many runs.

    Raises
    ------
    NotAllowed
        If who acts here may only look.
    OSError
        If something cannot be removed.
    """
    actor = editor()
    latest = time.time() - days * 24 * 3600
    old = [one for one in thrown_away(folder) if one.at <= latest]
    mirror = mirror_of(folder)
    for one in old:
        if mirror:
            held = objects_below(mirror, mirror.key_of(one.held))
            mirror.storage.remove(item.key for item in held)
        elif one.held.is_symlink():
            one.held.unlink()
        else:
            shutil.rmtree(one.held)
        _drop(one.held.parent)
        log_activity(folder, actor, "purge", run=one.run.name)
    return len(old)


def _move_aside(run: Path, entry: Path) -> None:
    entry.parent.mkdir(exist_ok=True)
    refuse_links(entry.parent)
    entry.mkdir()
    try:
        run.rename(entry / run.name)
    except FileNotFoundError as error:
        _drop(entry)
        raise RunNotFound(f"there is no run at {run} any more") from error
    except OSError:
        _drop(entry)
        raise


def _move_there(mirror: StoreMirror, source: Path, target: Path) -> None:
    move_run(mirror, mirror.key_of(source), mirror.key_of(target))
    for run in (source, target):
        if TRASH not in run.parts:
            mirror.look_again(mirror.key_of(run))


def _thrown_away_there(mirror: StoreMirror, folder: Path) -> list[ThrownAway]:
    """Return what is in the trash of a folder at an address, the oldest first."""
    trash, found = folder / TRASH, {}
    for item in objects_below(mirror, mirror.key_of(trash)):
        entry, _, below = item.key.removeprefix(f"{mirror.key_of(trash)}/").partition("/")
        name = below.partition("/")[0]
        at = _time_of(entry)
        if at is not None and is_holdable(name):
            found[entry, name] = ThrownAway(folder / name, trash / entry / name, at)
    return sorted(found.values(), key=lambda one: (one.at, one.held))


def _time_of(entry: str) -> float | None:
    """Return when what is in an entry was thrown away; ``None`` if it is no entry of ours."""
    match = _ENTRY.fullmatch(entry)
    return match and datetime.strptime(match[1], _TIME).replace(tzinfo=UTC).timestamp()


def _is_running(run: Path) -> bool:
    try:
        return read_run_info(run).status == "running" and not writer_is_gone(run)
    except (RunNotFound, RunUnreadable):
        return False


def _drop(entry: Path) -> None:
    """Remove an entry that is empty, and the trash with the last one."""
    with contextlib.suppress(OSError):
        entry.rmdir()
        entry.parent.rmdir()
