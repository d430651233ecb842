"""``run.json``: what is known of a run beside its steps; replaced atomically, never half read."""

from __future__ import annotations

import dataclasses
import errno
import json
import os
from pathlib import Path
from typing import Any, Final

import msgspec

from lrwatch.errors import RunNotFound, RunUnreadable
from lrwatch.plain_files import open_plain, read_file, replacing
from lrwatch.records import RunInfo
from lrwatch.store.layout import RUN_JSON
from lrwatch.system import allocated, write_at

__all__ = ["FORMAT", "read_run_info", "write_run_info"]

FORMAT = 1
"""Version of the run folder that this module writes; it reads this one and every earlier one."""

_MOST_BYTES: Final = 8 * 2**20
_MOST_LEVELS: Final = 100  # of nesting: readers go down by recursion
_STATUSES: Final = ("running", "finished", "interrupted", "failed")
_LAST_MOMENT: Final = 253_402_300_799.0  # of the year 9999, the last that dates know


def write_run_info(run: Path, info: RunInfo) -> None:
    """Write ``run.json`` aside and rename it into place.

    On a full disk it is written over the earlier one, which is there and holds its blocks.

    Raises
    ------
    OSError
        If neither can be done; an earlier ``run.json`` is then left as it was.
    """
    text = json.dumps(dataclasses.asdict(info), indent=2, allow_nan=True, default=str) + "\n"
    try:
        with replacing(run / RUN_JSON) as aside:
            aside.write_text(text, encoding="utf-8")
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        _write_over(run / RUN_JSON, text.encode())


def read_run_info(run: Path) -> RunInfo:
    """Read ``run.json``; the messages of its errors name no folder.

    Raises
    ------
    RunNotFound
        If there is none.
    RunUnreadable
        If it is damaged, or of a later format than this version of lrwatch knows.
    """
    content = _content(run / RUN_JSON)
    _check_format(content.get("format"))
    known = {"id": run.name, "name": run.name}
    known |= {key: value for key, value in content.items() if value is not None}
    try:
        return _checked(msgspec.convert(known, RunInfo))
    except ValueError as error:
        raise RunUnreadable(f"{RUN_JSON} is damaged: {error}") from error


def _content(path: Path) -> dict[str, Any]:
    try:
        text = read_file(path, most=_MOST_BYTES, follow=True)
        content = None if text is None else json.loads(text)
    except NotADirectoryError:
        text = None
    except OSError as error:
        raise RunUnreadable(f"{RUN_JSON} cannot be read: {error.strerror}") from error
    except RecursionError as error:
        raise RunUnreadable(f"{RUN_JSON} is nested too deeply") from error
    except ValueError as error:
        raise RunUnreadable(f"{RUN_JSON} cannot be read as JSON: {error}") from error
    if text is None:
        raise RunNotFound(f"there is no {RUN_JSON}, so this is not a run of lrwatch")
    if not isinstance(content, dict):
        raise RunUnreadable(f"{RUN_JSON} must hold a JSON object, got {type(content).__name__}")
    return content


def _write_over(path: Path, text: bytes) -> None:
    file = open_plain(path, os.O_RDWR)
    try:
        now = os.fstat(file)
        if len(text) > allocated(now):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write_at(file, text.ljust(now.st_size), 0)  # at once, with blanks up to the old end
    finally:
        os.close(file)


def _check_format(version: Any) -> None:
    if not isinstance(version, int) or version < 1:
        raise RunUnreadable(
            f"{RUN_JSON} has format {version!r:.50}; a whole number from 1 on is expected"
        )
    if version > FORMAT:
        raise RunUnreadable(
            f"{RUN_JSON} has format {version}, this lrwatch reads up to {FORMAT}: "
            "upgrade lrwatch to read this run"
        )


def _checked(info: RunInfo) -> RunInfo:
    """Return the info if its values are such as a writer writes."""
    if info.status not in _STATUSES:
        raise ValueError(f"status is {info.status!r:.50}, expected one of {', '.join(_STATUSES)}")
    if info.total_steps is not None and not 1 <= info.total_steps < 2**63:
        raise ValueError(f"total_steps is {info.total_steps!r:.30}, expected 1 or more")
    if not 0 <= info.lost_rows < 2**63:
        raise ValueError("lost_rows is not a number of rows")
    if not (0 <= info.created_at <= _LAST_MOMENT and 0 <= (info.ended_at or 0) <= _LAST_MOMENT):
        raise ValueError("created_at or ended_at is not a time")
    if not _is_within(info.config, _MOST_LEVELS):
        raise ValueError("config is nested too deeply")
    return info


def _is_within(value: Any, levels: int) -> bool:
    """Return whether lists and objects are nested at most so many levels deep."""
    if not isinstance(value, (dict, list)):
        return True
    items = value.values() if isinstance(value, dict) else value
    return levels > 0 and all(_is_within(item, levels - 1) for item in items)
