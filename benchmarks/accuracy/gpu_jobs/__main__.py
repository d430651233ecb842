"""Trains GPU-sized sweeps: ``python -m benchmarks.accuracy.gpu_jobs train OUT SECONDS``.

All rates of a job are trained at once, so that one GPU makes about 500 labelled runs in five
minutes; needs torch and numpy alone. ``... write OUT`` then turns OUT/runs.pkl into a corpus.
"""

from __future__ import annotations

import argparse
import json
import pickle
import time
from concurrent.futures import as_completed
from dataclasses import replace
from pathlib import Path

from benchmarks.accuracy.gpu_jobs.jobs import DEVICE
from benchmarks.accuracy.gpu_jobs.setups import SETUPS
from benchmarks.accuracy.gpu_jobs.train import pretrain, swept
from benchmarks.accuracy.processes import processes
from benchmarks.accuracy.second_corpus.train import Trained

SEEDS = (0, 1)
BEGAN = time.time()


def train(out: Path, seconds: float, jobs: int, scale: float) -> None:
    """Train what fits into the time, in `jobs` processes beside one another."""
    out.mkdir(parents=True, exist_ok=True)
    print(f"pretrained in {pretrain(n_steps=int(700 * scale)):.0f} s", flush=True)
    deadline, runs = BEGAN + seconds, list[Trained]()
    with processes(jobs) as pool:
        waiting = [
            pool.submit(swept, replace(setup, n_steps=int(setup.n_steps * scale)), seed, deadline)
            for seed in SEEDS
            for setup in SETUPS
        ]
        for done in as_completed(waiting):
            found, words = done.result()
            runs += found
            print(f"[{time.time() - BEGAN:.0f} s] {words}", flush=True)
            part = out / "runs.unfinished"
            part.write_bytes(pickle.dumps(runs))
            part.replace(out / "runs.pkl")


def write(out: Path) -> None:
    """Label the runs and write runs.parquet and steps.parquet."""
    from benchmarks.accuracy.second_corpus.label import label_sweep
    from benchmarks.accuracy.second_corpus.write import write_runs

    runs: list[Trained] = pickle.loads((out / "runs.pkl").read_bytes())
    for setup in {run.setup.name for run in runs}:
        label_sweep([run for run in runs if run.setup.name == setup])
    write_runs(sorted(runs, key=lambda run: (run.setup.name, run.seed, run.lr)), out)
    labels = [run.labels["label"] for run in runs]
    print(json.dumps({label: labels.count(label) for label in sorted(set(labels))}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["train", "write"])
    parser.add_argument("out", type=Path)
    parser.add_argument("seconds", type=float, nargs="?", default=300)
    parser.add_argument("--jobs", type=int, default=6, help="processes that train")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the steps: a dry run")
    given = parser.parse_args()
    if given.what == "write":
        write(given.out)
    elif DEVICE == "cpu" and given.scale == 1:
        parser.error("there is no CUDA device: give a --scale, or copy runs.pkl from where one is")
    else:
        train(given.out, given.seconds, given.jobs, given.scale)


if __name__ == "__main__":
    main()
