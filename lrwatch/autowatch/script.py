"""Record the optimizers of a script, from now to the end of its interpreter or of a function."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from lrwatch.autowatch.optimizers import EveryOptimizer
from lrwatch.autowatch.settings import Settings
from lrwatch.formats import count, printable
from lrwatch.uploading import address_of

if TYPE_CHECKING:
    from lrwatch.store.writer import RunWriter

__all__ = ["ScriptRecording", "summary"]

_MOST_NAMES = 3


class ScriptRecording:
    """Every optimizer that is made from now on, watched."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._process = os.getpid()
        self.job = EveryOptimizer(settings)

    def end(self, error: BaseException | None) -> None:
        """Watch no more, and say where the runs are; `error` ended the script, if one did."""
        if os.getpid() != self._process:
            return  # a fork of the script
        self.job.end(error)
        if self.job.recorded and sys.stderr is not None:
            said = summary(self.job.recorded, self._settings.shown_folder, self.job.n_before)
            sys.stderr.write(f"lrwatch: {said}\n")


def summary(runs: Sequence[RunWriter], folder: str, n_before: int = 0) -> str:
    """Say in one line what was recorded, and where; `n_before` rows were there before."""
    steps = count(sum(run.n_rows for run in runs) - n_before)
    if len(runs) == 1:
        at = address_of(runs[0].folder) or Path(folder, runs[0].info.name)
        return printable(f"{steps} steps recorded in {at}")
    names = [run.info.name for run in runs[:_MOST_NAMES]]
    more = len(runs) - len(names)
    listed = ", ".join(names) + (f" and {more} more" if more else "")
    return printable(f"{steps} steps of {len(runs)} optimizers recorded in {folder}: {listed}")
