"""Begin in a new interpreter: wait for what is to be recorded; tell at the end if nothing was."""

from __future__ import annotations

import atexit
import os
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

from lrwatch.autowatch import launchers, processes
from lrwatch.autowatch.settings import Settings
from lrwatch.autowatch.tracebacks import hide_own_frames
from lrwatch.autowatch.waiting import when_imported, when_trained
from lrwatch.formats import counted

if TYPE_CHECKING:
    from lrwatch.autowatch.optimizers import EveryOptimizer, ScriptRecording

__all__ = ["begin", "why_nothing"]


def begin(settings: Settings) -> None:
    """Watch every optimizer that the script makes.

    At the end, one line says where the runs are, or why there are none.
    """
    recordings: list[ScriptRecording] = []
    process = os.getpid()

    def record() -> None:
        from lrwatch.autowatch.optimizers import ScriptRecording

        recording = ScriptRecording(settings)
        recordings.append(recording)
        atexit.register(lambda: recording.end(_error()))

    def tell() -> None:
        job = recordings[0].job if recordings else None
        if os.getpid() == process and (why := why_nothing(job, settings, _error())):
            sys.stderr.write(f"lrwatch: nothing was recorded: {why}\n")

    hide_own_frames()
    launchers.follow_programs()
    atexit.register(tell)
    when_imported("multiprocessing", lambda: processes.follow_processes(settings))
    when_trained(record)


def _error() -> BaseException | None:
    """Return the exception that ends the script, if one does."""
    return getattr(sys, "last_value", None)


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
