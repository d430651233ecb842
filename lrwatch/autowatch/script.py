"""Record the optimizers of a script, from now to the end of its interpreter or of a function."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lrwatch.autowatch.settings import Settings
from lrwatch.formats import count, printable

if TYPE_CHECKING:
    from lrwatch.store.writer import RunWriter

__all__ = ["record", "record_to_the_end", "summary"]

_MOST_NAMES = 3


def record_to_the_end(settings: Settings) -> None:
    """Watch every optimizer from now to the end of the interpreter."""
    end = record(settings)
    atexit.register(lambda: end(getattr(sys, "last_value", None)))


def record(settings: Settings) -> Callable[[BaseException | None], None]:
    """Watch every optimizer from now on.

    Returns what ends it and says where the runs are; its argument is the error that ended the
    script, if one did.
    """
    from lrwatch.autowatch.optimizers import EveryOptimizer
    from lrwatch.training_actions import Alerting

    job = EveryOptimizer(
        Path(settings.folder),
        name=settings.name,
        program=settings.program,
        config={"command": settings.command},
        alerting=Alerting.of(settings.alerts, None),
    )
    process = os.getpid()

    def end(error: BaseException | None) -> None:
        if os.getpid() != process:
            return  # a fork of the script
        job.end(error)
        if job.recorded and sys.stderr is not None:
            sys.stderr.write(f"lrwatch: {summary(job.recorded, settings.shown_folder)}\n")

    return end


def summary(runs: Sequence[RunWriter], folder: str) -> str:
    """Say in one line what was recorded, and where."""
    steps = count(sum(run.n_rows for run in runs))
    if len(runs) == 1:
        return printable(f"{steps} steps recorded in {Path(folder, runs[0].info.name)}")
    names = [run.info.name for run in runs[:_MOST_NAMES]]
    more = len(runs) - len(names)
    listed = ", ".join(names) + (f" and {more} more" if more else "")
    return printable(f"{steps} steps of {len(runs)} optimizers recorded in {folder}: {listed}")
