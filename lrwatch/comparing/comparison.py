"""`compare` runs: which learning rates won, and what the flagged ones have in common."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from lrwatch.comparing.common_ground import CommonGround, common_ground
from lrwatch.comparing.sibling_verdicts import with_siblings
from lrwatch.comparing.sweeps import Sweep, find_sweeps, trial_of
from lrwatch.errors import LrwatchError
from lrwatch.following import judged
from lrwatch.store import RunEntry, list_runs, read_run_info
from lrwatch.store.mirroring.places import local_folder

__all__ = ["Comparison", "compare"]


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
    trials, own, unreadable = [], {}, {}
    for entry in _entries(runs):
        run = judged(entry)
        if run.problem or run.diagnosis is None:
            unreadable[entry.key] = run.problem
        else:
            trials.append(trial_of(run))
            own[entry.key] = run.diagnosis
    found = with_siblings(trials, own)
    trials = [replace(trial, verdict=found[trial.key].verdict) for trial in trials]
    verdicts = {trial.key: trial.verdict for trial in trials}
    return Comparison(find_sweeps(trials), common_ground(trials), verdicts, unreadable)


def _entries(
    runs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> list[RunEntry]:
    if isinstance(runs, str | os.PathLike):
        return list_runs(runs)
    return [_entry(local_folder(run)) for run in runs]


def _entry(path: Path) -> RunEntry:
    try:
        return RunEntry(path.name, path, read_run_info(path), "", 0.0)
    except LrwatchError as error:
        return RunEntry(path.name, path, None, str(error), 0.0)
