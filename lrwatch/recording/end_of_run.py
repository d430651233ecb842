"""How a run ended: what an exception says of it, if one did, or the cells that it was trained in.

At the end of a notebook Python knows the last error of the session, whatever that was about, so the
cells of other things are of no concern.
"""

from __future__ import annotations

import sys
import weakref
from dataclasses import dataclass
from typing import Any, Final, Protocol

from lrwatch.alert import TrainingStopped

__all__ = ["Cells", "EndOfRun", "Trained", "cells_of_session", "end_by"]

_INTERRUPTIONS: Final = (KeyboardInterrupt, TrainingStopped)
_MOST_SIGNS: Final = 500


@dataclass(frozen=True, slots=True)
class EndOfRun:
    """A status of `RunInfo`, and the error that led to it, in a line; ``None`` without one."""

    status: str
    error: str | None = None


def end_by(error: BaseException | None) -> EndOfRun:
    """Return how a run ended that an exception ended, or none.

    Examples
    --------
    >>> end_by(ValueError("shapes (3,) and (4,) differ"))
    EndOfRun(status='failed', error='ValueError: shapes (3,) and (4,) differ')
    >>> end_by(SystemExit(1))
    EndOfRun(status='finished', error=None)
    """
    if error is None or isinstance(error, SystemExit):
        return EndOfRun("finished")
    return EndOfRun(
        "interrupted" if isinstance(error, _INTERRUPTIONS) else "failed", _in_a_line(error)
    )


def _in_a_line(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__
    if kind.__module__ not in ("builtins", "__main__"):
        name = f"{kind.__module__}.{name}"
    try:
        said = " ".join(str(error).split())
    except Exception:  # noqa: BLE001  the script's own class
        said = ""
    return f"{name}: {said}"[:_MOST_SIGNS] if said else name


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
