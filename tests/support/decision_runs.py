"""Ten trained runs near a line of decision, each with the label that its sweep gave it.

``PYTHONPATH=. python tests/support/decision_runs.py`` trains those that
``tests/golden/decisions/runs.json`` names again, by `benchmarks.accuracy.second_corpus`, and
writes down what is found of them now.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

import lrwatch

__all__ = ["FOLDER", "VIEWS", "found", "read", "trained"]

Columns = dict[str, np.ndarray]

FOLDER = Path(__file__).parents[1] / "golden" / "decisions"
VIEWS = ("with norms", "loss and rate")
"""What a log may hold of a run."""


def found(run: Columns, view: str) -> dict[str, Any]:
    """Return what is decided about a run, without the words."""
    seen = run if view == VIEWS[0] else {name: run[name] for name in ("step", "loss", "lr")}
    monitor = lrwatch.Monitor()
    alarms = [[alarm.step, alarm.verdict] for alarm in monitor.update(seen)]
    diagnosis = monitor.diagnosis()
    return {
        "verdict": diagnosis.verdict,
        "confidence": round(diagnosis.confidence, 3),
        "suggested_lr": diagnosis.suggested_lr,
        "alarms": alarms,
        "fired": [test.name for test in diagnosis.evidence if test.fired],
    }


def read() -> Iterator[tuple[dict[str, Any], Columns]]:
    """Yield what is kept of each golden run, and the run."""
    steps = pq.read_table(FOLDER / "steps.parquet").to_pandas()
    for kept in json.loads((FOLDER / "runs.json").read_text(encoding="utf-8")):
        rows = steps[steps["run"] == kept["name"]].drop(columns="run")
        yield kept, {str(name): rows[name].to_numpy() for name in rows}


def trained(setup: str, lr: float, seed: int) -> Columns:
    """Train a run of the second corpus; what is measured has single precision."""
    import torch

    from benchmarks.accuracy.second_corpus.setups import GAMES, SWEEPS
    from benchmarks.accuracy.second_corpus.tasks import TASKS
    from benchmarks.accuracy.second_corpus.train import train

    (job,) = (job for job in (*SWEEPS, *GAMES) if job.name == setup)
    torch.manual_seed(seed)
    task = TASKS[job.task](seed, job.batch_size, **job.task_options)
    steps = train(task, job, lr, seed).steps
    single = {name: column.astype(np.float32) for name, column in steps.items()}
    return {"step": np.arange(len(single["loss"])), **single}


def main() -> None:
    """Train the golden runs again, and write down what is found of them."""
    from benchmarks.accuracy.second_corpus.sweep import prepare_process

    prepare_process()
    path = FOLDER / "runs.json"
    runs = json.loads(path.read_text(encoding="utf-8"))
    write(runs, [trained(**kept["made"]) for kept in runs])


def write(runs: list[dict[str, Any]], columns: list[Columns]) -> None:
    """Keep the runs with what is found of them."""
    tables = []
    for kept, run in zip(runs, columns, strict=True):
        kept["found"] = {view: found(run, view) for view in VIEWS}
        names = pa.array([kept["name"]] * len(run["step"])).dictionary_encode()
        tables.append(pa.table({"run": names, **run}))
    table = pa.concat_tables(tables).unify_dictionaries()
    pq.write_table(table, FOLDER / "steps.parquet", compression="zstd")
    text = json.dumps(runs, indent=1, ensure_ascii=False)
    (FOLDER / "runs.json").write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
