"""Record the optimizers of a script, from its import of torch to the end of its interpreter."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lrwatch.autowatch.settings import Settings
from lrwatch.formats import count, printable

if TYPE_CHECKING:
    from lrwatch.store.writer import RunWriter

__all__ = ["record", "summary"]

_MOST_NAMES = 3


def record(settings: Settings) -> None:
    """Watch every optimizer from now on, and say at the end where the runs are."""
    from lrwatch.autowatch.optimizers import EveryOptimizer

    job = EveryOptimizer(
        Path(settings.folder),
        name=settings.name,
        program=settings.program,
        config={"command": settings.command},
    )
    process = os.getpid()

    def end() -> None:
        if os.getpid() != process:
            return  # a fork of the script
        job.end(getattr(sys, "last_value", None))
        if job.recorded and sys.stderr is not None:
            sys.stderr.write(f"lrwatch: {summary(job.recorded, settings.shown_folder)}\n")

    atexit.register(end)


def summary(runs: Sequence[RunWriter], folder: str) -> str:
    """Say in one line what was recorded, and where."""
    steps = count(sum(run.n_rows for run in runs))
    if len(runs) == 1:
        return printable(f"{steps} steps recorded in {Path(folder, runs[0].info.name)}")
    names = [run.info.name for run in runs[:_MOST_NAMES]]
    more = len(runs) - len(names)
    listed = ", ".join(names) + (f" and {more} more" if more else "")
    return printable(f"{steps} steps of {len(runs)} optimizers recorded in {folder}: {listed}")
