"""Begin in a new interpreter: wait for what is to be recorded, and tell at the end."""

from __future__ import annotations

import atexit
import os
import sys
from typing import TYPE_CHECKING

from lrwatch.autowatch.launchers import follow_programs
from lrwatch.autowatch.nothing import why_nothing
from lrwatch.autowatch.processes import follow_processes
from lrwatch.autowatch.settings import Settings
from lrwatch.autowatch.tracebacks import hide_own_frames
from lrwatch.autowatch.waiting import when_imported, when_trained

if TYPE_CHECKING:
    from lrwatch.autowatch.script import ScriptRecording

__all__ = ["begin"]


def begin(settings: Settings) -> None:
    """Watch every optimizer that the script makes.

    At the end, one line says where the runs are, or why there are none.
    """
    recordings: list[ScriptRecording] = []
    process = os.getpid()

    def record() -> None:
        from lrwatch.autowatch.script import ScriptRecording

        recording = ScriptRecording(settings)
        recordings.append(recording)
        atexit.register(lambda: recording.end(_error()))

    def tell() -> None:
        job = recordings[0].job if recordings else None
        if os.getpid() == process and (why := why_nothing(job, settings, _error())):
            sys.stderr.write(f"lrwatch: nothing was recorded: {why}\n")

    hide_own_frames()
    follow_programs()
    atexit.register(tell)
    when_imported("multiprocessing", lambda: follow_processes(settings))
    when_trained(record)


def _error() -> BaseException | None:
    """Return the exception that ends the script, if one does."""
    return getattr(sys, "last_value", None)
