"""How a run ended: what an exception says of it, if one did."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lrwatch.alert import TrainingStopped

__all__ = ["EndOfRun", "end_by"]

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
