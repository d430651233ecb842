"""Judges good runs that are long and noisy: ``python -m benchmarks.accuracy.long_runs OUT``.

Trainings take half an hour on one core; those that OUT holds already are kept. Prints who was
alarmed, and writes all runs into OUT as a corpus.
"""

from __future__ import annotations

import argparse
import pickle
from collections.abc import Iterator
from pathlib import Path

import torch

from benchmarks.accuracy.long_runs.measure import VIEWS, Tally
from benchmarks.accuracy.long_runs.run import LongRun
from benchmarks.accuracy.long_runs.simulated import simulated
from benchmarks.accuracy.long_runs.trained import JOBS, trained
from benchmarks.accuracy.long_runs.write import write


def main() -> None:
    given = _arguments()
    parts = given.out / "parts"
    parts.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    tallies = {(kind, view): Tally() for kind in ("simulated", "trained") for view in VIEWS}

    def judged(kind: str, runs: Iterator[LongRun]) -> Iterator[LongRun]:
        for run in runs:
            for view, seen in VIEWS.items():
                if view == "loss and rate" or "grad_norm" in run.columns:
                    tallies[kind, view].add(run.name, seen(run.steps))
            yield run

    def every() -> Iterator[LongRun]:
        drawn = simulated(given.simulated, given.steps, seed=given.seed)
        yield from judged("simulated", drawn)
        yield from judged("trained", _trained(parts, given.trained))

    write(every(), given.out)
    for (kind, view), tally in tallies.items():
        print(f"{kind}, {view}: {tally}")
        print(*(f"    {line}" for line in tally.lines), sep="\n")


def _trained(parts: Path, n_jobs: int) -> Iterator[LongRun]:
    for job in JOBS[:n_jobs]:
        part = parts / f"{job.name}.pkl"
        if not part.exists():
            part.write_bytes(pickle.dumps(trained(job)))
        yield pickle.loads(part.read_bytes())


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path, help="folder for runs.parquet and steps.parquet")
    parser.add_argument("--simulated", type=int, default=40, help="simulated runs")
    parser.add_argument("--steps", type=int, default=60_000, help="steps of a simulated run")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--trained", type=int, default=len(JOBS), help="real trainings")
    return parser.parse_args()


if __name__ == "__main__":
    main()
