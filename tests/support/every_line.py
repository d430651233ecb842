"""Has something happen at the n-th line of lrwatch that is run: to try what can end it, at each."""

from __future__ import annotations

import linecache
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, Final

import lrwatch

__all__ = ["at_line"]

_OURS: Final = str(Path(lrwatch.__file__).parent)


@contextmanager
def at_line(n: int, act: Callable[[], object]) -> Iterator[Callable[[], bool]]:
    """Call `act` before the n-th line that this thread runs; yields what tells whether it came.

    The end of a `with` counts for none. A signal is not seen there: CPython looks for signals
    after calls, and of those there is none between the last line of the block and its end.
    """
    n_run = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal n_run
        path = frame.f_code.co_filename
        if not path.startswith(_OURS):
            return None
        line = linecache.getline(path, frame.f_lineno).lstrip()
        if event == "line" and not line.startswith("with "):
            n_run += 1
            if n_run == n:
                act()
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        yield lambda: n_run >= n
    finally:
        sys.settrace(before)
