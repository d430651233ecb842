"""How those cells of a notebook ended in which a run was trained: no other is of its concern.

At the end of a notebook Python knows the last error of the session, whatever that was about.
"""

from __future__ import annotations

import sys
import weakref
from typing import Any, Protocol

from lrwatch.recording.end_of_run import EndOfRun, end_by

__all__ = ["Cells", "Trained", "cells_of_session"]


class Trained(Protocol):
    """What is trained in cells: a run."""

    @property
    def n_made(self) -> int:
        """How many steps it made so far."""


class Cells:
    """Follows the cells of an IPython session.

    Parameters
    ----------
    shell
        The session, IPython's `InteractiveShell`.
    """

    def __init__(self, shell: Any) -> None:
        self._made: weakref.WeakKeyDictionary[Trained, int] = weakref.WeakKeyDictionary()
        self._ends: weakref.WeakKeyDictionary[Trained, EndOfRun] = weakref.WeakKeyDictionary()
        self._last_error: object = None
        shell.events.register("pre_run_cell", self._begin)
        shell.events.register("post_run_cell", self._end)

    def follow(self, run: Trained) -> None:
        """Follow a run that begins in the present cell."""
        self._made[run] = -1  # the cell that makes it has to do with it, even without a step

    def end_of(self, run: Trained) -> EndOfRun:
        """Return how the last cell ended in which the run made a step."""
        return self._ends.get(run) or end_by(None)

    def _begin(self, *_: object) -> None:
        self._last_error = getattr(sys, "last_value", None)
        for run in list(self._made):
            self._made[run] = run.n_made

    def _end(self, result: Any = None) -> None:
        error = getattr(result, "error_in_exec", None)
        last = getattr(sys, "last_value", None)
        if error is None and last is not self._last_error:
            error = last  # of a script that the cell ran
        end = end_by(error)  # and not the error, whose frames would keep alive what they hold
        for run, n_made in list(self._made.items()):
            if run.n_made != n_made:
                self._ends[run] = end


def cells_of_session() -> Cells | None:
    """Return the cells of this session; ``None`` where it is not one of IPython."""
    global _cells  # noqa: PLW0603  one a process
    get_shell = getattr(sys.modules.get("IPython"), "get_ipython", None)
    shell = get_shell() if callable(get_shell) else None
    if shell is None:
        return None
    if _cells is None or _cells[0]() is not shell:
        _cells = (weakref.ref(shell), Cells(shell))
    return _cells[1]


_cells: tuple[weakref.ref[Any], Cells] | None = None
