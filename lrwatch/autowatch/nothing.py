"""Why a script left no run, for the one line that says so."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from lrwatch.autowatch import launchers, processes
from lrwatch.autowatch.settings import Settings
from lrwatch.formats import counted

if TYPE_CHECKING:
    from lrwatch.autowatch.optimizers import EveryOptimizer

__all__ = ["why_nothing"]


def why_nothing(
    job: EveryOptimizer | None, settings: Settings, error: BaseException | None
) -> str | None:
    """Say why nothing was recorded, and what to write instead; ``None`` if it is no surprise."""
    if _is_no_surprise(job, settings):
        return None
    launched = sorted(launchers.started - {"python"})
    if launched:
        return _not_followed(launched[0], launched[0])
    if error is not None:
        return f"it ended with {type(error).__name__} before a torch optimizer made a step"
    if job is not None:
        return f"of {counted(job.n_made, 'torch optimizer')} that it made, none made a step"
    if launchers.started:
        return _not_followed("python", "another Python program")
    what = "it made no torch optimizer" if "torch" in sys.modules else "it did not import torch"
    return f"{what}; for another framework, lrwatch.open_run() records what you give it"


def _is_no_surprise(job: EveryOptimizer | None, settings: Settings) -> bool:
    if job is not None and (job.recorded or job.is_explained):
        return True
    if os.environ.get("RANK", "") not in ("", "0"):
        return True  # the first process of a job says it
    # These names load when they are used: the script records by itself.
    if {"watch", "open_run"} & vars(sys.modules["lrwatch"]).keys():
        return True
    return bool(processes.started) and _has_changed(settings.folder, since=settings.started_at)


def _not_followed(launcher: str, what: str) -> str:
    return f"it started {what}, which is not followed; write {launchers.LAUNCHERS[launcher]}"


def _has_changed(folder: str, *, since: float) -> bool:
    """Tell whether a run in a folder was made, or gone on with, since some time."""
    with suppress(OSError), os.scandir(folder) as entries:
        return any(entry.stat().st_mtime >= since for entry in entries)
    return False
