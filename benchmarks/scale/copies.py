"""A store of any number of runs, drawn from a few real ones: their rows are hard links."""

from __future__ import annotations

import dataclasses
import json
import os
import time
from pathlib import Path

from lrwatch.recording.opening import open_run
from lrwatch.records import FLOAT_COLUMNS, RunInfo
from lrwatch.store import read_run_info, read_table

A_JOB = 20
TEMPLATE = "template_seed"  # a setting in which runs of one job may differ
_N_STEPS = 150
_SETTLED = 11.0  # seconds after which nothing counts as written just now


def templates(samples: Path, folder: Path) -> list[Path]:
    """Write the first rows of each sample run as a run of its own; return their folders."""
    for path in sorted(path.parent for path in samples.glob("*/run.json")):
        if not (folder / path.name).exists():
            _cut(path, folder)
    return sorted(path.parent for path in folder.glob("*/run.json"))


def add_runs(store: Path, of: list[Path], first: int, stop: int) -> None:
    """Write the runs with numbers from `first` up to, not including, `stop`.

    Twenty make a job, of the samples of one task in turn.
    """
    tasks = sorted({task_of(path) for path in of})
    members = {task: [path for path in of if task_of(path) == task] for task in tasks}
    described = {path: read_run_info(path) for path in of}
    for i in range(first, stop):
        job, place = divmod(i, A_JOB)
        runs = members[tasks[job % len(tasks)]]
        original = runs[place % len(runs)]
        _copy(store / f"job-{job:05d}" / f"run-{place:02d}", original, described[original], i)
    time.sleep(_SETTLED)


def task_of(path: Path) -> str:
    return path.name.partition("-")[0]


def _copy(folder: Path, original: Path, info: RunInfo, number: int) -> None:
    (folder / "steps").mkdir(parents=True)
    for part in (original / "steps").iterdir():
        os.link(part, folder / "steps" / part.name)
    own = description(original, info, number, folder.name)
    (folder / "run.json").write_text(json.dumps(dataclasses.asdict(own)), encoding="utf-8")


def description(original: Path, info: RunInfo, number: int, name: str) -> RunInfo:
    """Return what a copy says of itself; its settings tell which run it is a copy of."""
    config = {
        "task": task_of(original),
        "job": number // A_JOB,
        "lr": info.config["lr"],
        "seed": number,
        TEMPLATE: original.name,
        "model": {"depth": number // A_JOB % 12, "width": 64},
    }
    return dataclasses.replace(info, id=f"run-{number}", name=name, config=config)


def _cut(path: Path, folder: Path) -> None:
    info, table = read_run_info(path), read_table(path)[:_N_STEPS]
    run = open_run(dir=folder, name=path.name, config=dict(info.config), total_steps=_N_STEPS)
    columns = [name for name in FLOAT_COLUMNS if name in table.column_names]
    for row in table.select(columns).to_pylist():
        run.record(**{name: value for name, value in row.items() if value is not None})
    run.finish()
