"""Tracebacks of the script as they are without lrwatch.

Where lrwatch listens to a function of torch, an error in it passes through a frame of
lrwatch. The reader of a traceback has no use for it.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path
from types import TracebackType

__all__ = ["hide_own_frames", "without_own_frames"]

_OWN = str(Path(__file__).resolve().parents[1])


def hide_own_frames() -> None:
    """Leave lrwatch's frames out of the traceback of an exception that ends the program."""
    show = sys.excepthook

    def show_without(
        kind: type[BaseException], error: BaseException, traceback: TracebackType | None
    ) -> None:
        _clean(error, seen=set())
        show(kind, error, without_own_frames(traceback))

    sys.excepthook = show_without


def without_own_frames(traceback: TracebackType | None) -> TracebackType | None:
    """Return a traceback without the frames of lrwatch that an error passed through.

    An error that lrwatch itself raised keeps its traceback.
    """
    entries = []
    while traceback is not None:
        entries.append(traceback)
        traceback = traceback.tb_next
    if not entries or _is_own(entries[-1]):
        return entries[0] if entries else None
    kept = [entry for entry in entries if not _is_own(entry)]
    for entry, following in pairwise(kept):
        entry.tb_next = following
    return kept[0]


def _clean(error: BaseException | None, seen: set[int]) -> None:
    """Clean an exception, and those that it came from or holds."""
    if error is None or id(error) in seen:
        return
    seen.add(id(error))
    error.__traceback__ = without_own_frames(error.__traceback__)
    held = error.exceptions if isinstance(error, BaseExceptionGroup) else ()
    for other in (error.__cause__, error.__context__, *held):
        _clean(other, seen)


def _is_own(entry: TracebackType) -> bool:
    return entry.tb_frame.f_code.co_filename.startswith(_OWN)
