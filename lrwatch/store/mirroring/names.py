"""Which objects of a storage are files of a run, and which names this machine can hold.

A storage takes any text for a key, ``../../.bashrc`` included. What is mirrored is what a run
folder has, by name, and lies where the key says: nothing is translated, so that a run has the
same name in both places.
"""

from __future__ import annotations

import os
import re
from typing import Final, NamedTuple

from lrwatch.plain_files import ALERTS_FOLDER
from lrwatch.store.layout import (
    ACTIVITY,
    EARLIER_ACTIVITY,
    JOURNAL,
    LABELS,
    PART,
    RUN_JSON,
    STEPS,
    part_rows,
)

__all__ = ["ObjectPlace", "is_beside", "is_holdable", "place_of", "stop_row"]

_LEVELS: Final = 4
"""Of folders down to a run; a catalogue looks no deeper."""

_LONGEST_NAME: Final = 255  # bytes, of every usual file system
_ON_WINDOWS: Final = r'<>:"|?*' if os.name == "nt" else ""
_FORBIDDEN: Final = re.compile(rf"[\x00-\x1f\x7f-\x9f/\\{_ON_WINDOWS}]")
_FILE: Final = re.compile(
    rf"(?:(.*)/)?({re.escape(RUN_JSON)}|{re.escape(LABELS)}|{JOURNAL.pattern}"
    rf"|{STEPS}/{PART.pattern})",
    re.ASCII | re.DOTALL,
)
_BESIDE: Final = re.compile(
    rf"(?:(.*)/)?({re.escape(ACTIVITY)}|{re.escape(EARLIER_ACTIVITY)}"
    rf"|{re.escape(ALERTS_FOLDER)}/(silences|acks)/[0-9a-f-]{{16,40}}\.json)",
    re.ASCII | re.DOTALL,
)
_IS_NO_FOLDER: Final = re.compile(
    rf"\.|({re.escape(RUN_JSON)}|{re.escape(LABELS)}|{STEPS}|journal-.*\.bin)\Z"
).match  # what is hidden, and what would make a run of the folder it is in


class ObjectPlace(NamedTuple):
    """Where an object belongs: the run, by its path in the store, and the file within it."""

    run: str
    file: str


def place_of(key: str) -> ObjectPlace | None:
    """Return where an object belongs; None if it is no file of a run.

    Examples
    --------
    >>> place_of("team/sgd-0.1/run.json")
    ObjectPlace(run='team/sgd-0.1', file='run.json')
    >>> place_of("run.json").run, place_of("team/checkpoint.pt"), place_of(".trash/a/run.json")
    ('', None, None)
    """
    found = _FILE.fullmatch(key)
    if found is None:
        return None
    run = found[1] or ""
    levels = run.split("/") if run else []
    if len(levels) > _LEVELS or any(map(_IS_NO_FOLDER, levels)):
        return None
    return ObjectPlace(run, found[2])


def is_beside(key: str) -> bool:
    """Tell what people did and said of alerts, which is kept beside the runs.

    Examples
    --------
    >>> is_beside("team/.lrwatch-activity.jsonl"), is_beside(".lrwatch-alerts/state.json")
    (True, False)
    """
    found = _BESIDE.fullmatch(key)
    above = found[1].split("/") if found and found[1] else []
    is_seen = not any(map(_IS_NO_FOLDER, above)) and all(map(is_holdable, above))
    return found is not None and len(above) <= _LEVELS and is_seen


def is_holdable(name: str) -> bool:
    r"""Tell whether a file or folder of this machine may be called so, and be no other.

    Examples
    --------
    >>> [is_holdable(name) for name in ("sgd-0.1", "..", "a\nb", "a/b", "", "lr=0.1 (2)")]
    [True, False, False, False, False, True]
    """
    if not name or name in (".", "..") or _FORBIDDEN.search(name):
        return False
    if os.name == "nt" and name[-1] in ". ":
        return False
    try:
        return len(os.fsencode(name)) <= _LONGEST_NAME
    except UnicodeEncodeError:
        return False


def stop_row(file: str) -> int | None:
    """Return the row after the last one of a part; None for any other file."""
    rows = part_rows(file.removeprefix(f"{STEPS}/"))
    return None if rows is None else rows[1]
