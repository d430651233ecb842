"""When, where and how a run ran, as far as it says so, how fast, and what its processes did."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np

from lrwatch.errors import LrwatchError
from lrwatch.formats import count, duration, number
from lrwatch.ranks import said_of_ranks
from lrwatch.records import RunInfo
from lrwatch_dashboard.views import StepTimes

__all__ = ["job_facts", "rank_facts", "speed"]

_PIECES: Final = 20  # of a run, whose speeds are compared
_END: Final = 2.5e11  # seconds since the Unix epoch, the year 9892
_SLOW: Final = 0.7  # of the usual speed
_SECONDS: Final = 10.0  # for which what is said of ranks is kept: there may be a thousand files


def job_facts(info: RunInfo, clock: StepTimes, ranks: str = "") -> Mapping[str, str]:
    """Return what to say of a run's job, by name; what is not known is left out."""
    known: dict[str, Any] = {
        "started": _moment(info.created_at),
        "ended": _moment(info.ended_at or 0.0),
        "trained for": duration(float(clock.seconds[-1])) if clock else "",
        "speed": speed(clock),
        "host": info.host,
        "command": info.command,
        "folder": info.cwd,
        "commit": _commit(info.git_commit, info.git_dirty),
        "error": info.error,
        "ranks": ranks,
    }
    return {name: str(value) for name, value in known.items() if value}


def speed(clock: StepTimes) -> str:
    """Return steps a second, and from where on they were fewer; empty where times are unknown."""
    if not clock or len(clock.steps) < 2:  # noqa: PLR2004
        return ""
    edges = np.linspace(float(clock.steps[0]), float(clock.steps[-1]), _PIECES + 1)
    took = np.diff(clock.seconds_at(edges))
    with np.errstate(divide="ignore"):
        speeds = np.diff(edges) / took
    usual = float(np.median(speeds))
    if not 0 < usual < float("inf"):
        return ""
    said = f"{number(usual, 3)} steps/s"
    is_slow = speeds < _SLOW * usual
    if is_slow[-1] and not is_slow.all() and len(clock.steps) > _PIECES:
        begin = int(np.flatnonzero(~is_slow)[-1]) + 1
        rest = float((edges[-1] - edges[begin]) / took[begin:].sum())
        said += f"; {number(rest, 3)} since step {count(round(edges[begin]))}"
    return said


def rank_facts(run: Path) -> str:
    """Return what there is to say of a run's processes; empty where it has no ranks."""
    return _ranks(run, int(time.monotonic() / _SECONDS))


@lru_cache(maxsize=1)  # the Run page shows one
def _ranks(run: Path, _when: int) -> str:
    try:
        return said_of_ranks(run)
    except (LrwatchError, OSError):
        return ""


def _moment(seconds: float) -> str:
    if not 0 < seconds < _END:
        return ""
    return time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(seconds))


def _commit(commit: str | None, is_dirty: Any) -> str:
    changed = ", with changes that are not committed" if is_dirty is True else ""
    return f"{commit[:12]}{changed}" if commit else ""
