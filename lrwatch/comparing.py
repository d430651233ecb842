"""`compare` runs: which learning rates won, and what the flagged ones have in common."""

from __future__ import annotations

import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from lrwatch.diagnosis.common_ground import CommonGround, common_ground
from lrwatch.diagnosis.comparison import (
    RateChoice,
    Trial,
    choose_rate,
    final_loss,
    flat_settings,
    same_but_rate_and_seed,
    sweeps,
)
from lrwatch.errors import LrwatchError
from lrwatch.monitor import Monitor
from lrwatch.store import RunReader, list_runs

__all__ = ["Comparison", "Sweep", "compare"]


@dataclass(frozen=True, slots=True)
class Sweep:
    """Runs that differ in learning rate and seed only, and the rate that won.

    Attributes
    ----------
    runs
        Names of the runs.
    settings
        What they have in common.
    choice
        Rates, the best one, the band around it, and a sentence.
    """

    runs: tuple[str, ...]
    settings: dict[str, object]
    choice: RateChoice


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
        Verdict of each run, by name.
    unreadable
        Why a run was left out, by name.
    """

    sweeps: list[Sweep]
    common_ground: list[CommonGround]
    verdicts: dict[str, str]
    unreadable: dict[str, str]

    def __str__(self) -> str:
        """Say it in a few lines."""
        lines = [sweep.choice.reason for sweep in self.sweeps if len(sweep.runs) > 1]
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
    trials: list[Trial] = []
    unreadable: dict[str, str] = {}
    for name, path in _named(runs):
        try:
            trials.append(_trial(name, path))
        except LrwatchError as error:
            unreadable[name] = str(error)
    groups = [
        Sweep(
            tuple(trial.key for trial in group),
            same_but_rate_and_seed(group[0].settings),
            choose_rate(group),
        )
        for group in sweeps(trials)
    ]
    verdicts = {trial.key: trial.verdict for trial in trials}
    return Comparison(groups, common_ground(trials), verdicts, unreadable)


def _named(
    runs: str | os.PathLike[str] | Iterable[str | os.PathLike[str]],
) -> list[tuple[str, Path]]:
    if isinstance(runs, str | os.PathLike):
        return [(entry.key, entry.path) for entry in list_runs(runs)]
    return [(Path(run).name, Path(run)) for run in runs]


def _trial(name: str, path: Path) -> Trial:
    reader = RunReader(path)
    block = reader.read_new()
    monitor = Monitor(total_steps=reader.info.total_steps)
    monitor.update(block)
    lr = block.lr[np.isfinite(block.lr)]
    return Trial(
        key=name,
        lr=float(lr.max()) if len(lr) else math.nan,
        loss=final_loss(block.loss[block.loss_seen]),
        verdict=monitor.diagnosis().verdict,
        settings={"optimizer": reader.info.optimizer, **flat_settings(reader.info.config)},
    )
