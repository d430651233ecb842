"""`compare` runs: which learning rates won, and what the flagged ones have in common."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lrwatch.comparing.common_ground import CommonGround, common_ground
from lrwatch.comparing.sibling_verdicts import with_siblings
from lrwatch.comparing.store_verdicts import StoreVerdicts, known_of, store_verdicts
from lrwatch.comparing.sweeps import Sweep, find_sweeps
from lrwatch.following import judged
from lrwatch.store import run_at

__all__ = ["Comparison", "compare", "compared"]


@dataclass(frozen=True, slots=True)
class Comparison:
    """What several runs say together.

    Attributes
    ----------
    sweeps
        Groups of runs, largest first.
    common_ground
        What flagged runs have in common and the others do not, most telling first.
    verdicts
        Verdict of each run beside the others of its job, by name.
    unreadable
        Why a run was left out, by name.
    """

    sweeps: list[Sweep]
    common_ground: list[CommonGround]
    verdicts: dict[str, str]
    unreadable: dict[str, str]

    def __str__(self) -> str:
        """Say it in a few lines."""
        lines = [sweep.reason for sweep in self.sweeps if len(sweep.trials) > 1]
        lines += [str(ground) for ground in self.common_ground]
        return "\n".join(lines) or "nothing to compare: no two runs differ in the rate only"


def compare(
    runs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> Comparison:
    """Compare runs across learning rates.

    Parameters
    ----------
    runs
        A folder of runs, or the folders of the runs to compare.

    Raises
    ------
    RunNotFound
        If the folder of runs does not exist.
    """
    if isinstance(runs, str | os.PathLike):
        return compared(store_verdicts(runs))
    entries = [replace(run_at(run), key=Path(run).name) for run in runs]
    found = {entry.key: judged(entry) for entry in entries}
    return compared(StoreVerdicts(found, with_siblings(*known_of(found)), len(found)))


def compared(seen: StoreVerdicts) -> Comparison:
    """Compare runs that are judged."""
    said = seen.together
    trials = [replace(trial, verdict=said[trial.key].verdict) for trial in seen.trials]
    verdicts = {trial.key: trial.verdict for trial in trials}
    unreadable = {key: run.problem for key, run in seen.runs.items() if key not in said}
    return Comparison(find_sweeps(trials), common_ground(trials), verdicts, unreadable)
