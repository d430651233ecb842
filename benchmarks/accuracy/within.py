"""Each source judged by models fitted to the others and to its own other tasks.

A user whose runs are of a kind that was fitted, on a task that was not, meets this: it lies between
a source that is left out whole and the shipped numbers, which have seen these very runs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.accuracy import corpus, fit, report
from benchmarks.accuracy.processes import processes
from benchmarks.accuracy.replay import replay

FOLDS = 4
"""Parts that the tasks of a source are dealt to; each is judged by what the other parts gave."""

Fold = tuple[str, frozenset[str]]
SETTINGS = {report.WHOLE: "full", report.BARE: "loss"}


def folds(rows: pd.DataFrame) -> list[Fold]:
    """Sources with good and bad runs, and of each the tasks that are left out together."""
    found: list[Fold] = []
    for source, part in rows.groupby("source", sort=False):
        if set(fit.CLASSES) <= set(part.label):
            tasks = sorted(part.task.unique())
            dealt = (frozenset(tasks[k::FOLDS]) for k in range(FOLDS))
            found += [(str(source), some) for some in dealt if some]
    return found


def measure(
    folders: Sequence[Path], rows: pd.DataFrame, *, jobs: int = 1
) -> dict[str, dict[str, dict[str, Any]]]:
    """By source and setting the figures of all its folds together."""
    left_out = folds(rows)
    by_name = {folder.name: folder for folder in folders}
    with processes(jobs) as pool:
        judged = list(pool.map(partial(_judged, by_name, rows), left_out))
    found = {}
    for source in dict.fromkeys(source for source, _ in left_out):
        parts = [part for (name, _), part in zip(left_out, judged, strict=True) if name == source]
        found[source] = {
            setting: report.figures(pd.concat([part[setting] for part in parts]))
            for setting in parts[0]
        }
    return found


def _judged(folders: Mapping[str, Path], rows: pd.DataFrame, fold: Fold) -> dict[str, pd.DataFrame]:
    source, tasks = fold
    models = fit.models_of(fit.fit(rows[~rows.task.isin(tasks)]))
    runs = [run for run in corpus.read([folders[source]]) if run.about.task in tasks]
    settings = SETTINGS if corpus.has_norms(folders[source]) else {report.BARE: "loss"}
    return {setting: replay(runs, models, view=view) for setting, view in settings.items()}
