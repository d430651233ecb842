"""Recording alone: what a step costs when the numbers are given, and what it takes on disk.

    python benchmarks/record_row.py [--rows N]

Times each append of a row, first in a tight loop, then after work that empties the caches as a
training step does. "pause" is the longest time any append took, compaction in the background
included. `Run.record`, which loops without torch call, takes turns with an append and with
`Run.log` within one process, so that their ratio holds on a busy machine.
"""

from __future__ import annotations

import argparse
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from overhead.budgets import budget

import lrwatch
from lrwatch.records import FLOAT_COLUMNS, NULL, RunInfo
from lrwatch.store.creation import create_run
from lrwatch.store.writer import Row, RunWriter


def rows(n: int) -> list[list[float]]:
    """Numbers as a real run has them: float32 losses and norms, a cosine learning rate."""
    random = np.random.default_rng(0)
    loss = (2 * np.exp(-np.arange(n) / n) + 0.1 * random.standard_normal(n)).astype(np.float32)
    norm = np.exp(random.standard_normal(n) * 0.2).astype(np.float32)
    lr = [0.05 * (1 + math.cos(math.pi * i / n)) for i in range(n)]
    sampled = random.random(n) < 0.1
    return [
        [float(a), r, float(g), float(g), *((float(g) * 9, float(g) * r) if s else (NULL, NULL))]
        for a, r, g, s in zip(loss, lr, norm, sampled, strict=True)
    ]


def laps(writer: RunWriter, values: list[list[float]], between: object = None) -> np.ndarray:
    times = np.empty(len(values))
    junk = np.zeros(500_000) if between else None
    for i, row in enumerate(values):
        if junk is not None:
            junk += 1.0
        begin = time.perf_counter()
        writer.append(Row(0, i, time.time_ns() // 1000, row))
        times[i] = time.perf_counter() - begin
    return times * 1e6


def turns(folder: Path, values: list[list[float]]) -> dict[str, np.ndarray]:
    """Time `record`, `log` and an append by turns, a thousand calls each."""
    writer = create_run(folder, RunInfo(id="c", name="turns"), FLOAT_COLUMNS)
    run = lrwatch.open_run(dir=folder, name="record", alerts=None, system=False)
    calls: dict[str, Callable[[int, list[float]], object]] = {
        "append": lambda i, row: writer.append(Row(0, i, time.time_ns() // 1000, row)),
        "record": lambda _, row: run.record(loss=row[0], lr=row[1], grad_norm=row[2]),
        "record own": lambda _, row: run.record(loss=row[0], lr=row[1], accuracy=row[2]),
        "log": lambda _, row: run.log(accuracy=row[2]),
    }
    taken: dict[str, list[float]] = {name: [] for name in calls}
    for first in range(0, len(values), 1_000):
        for name, call in calls.items():
            for i, row in enumerate(values[first : first + 1_000], first):
                begin = time.perf_counter()
                call(i, row)
                taken[name].append(time.perf_counter() - begin)
    writer.close("finished")
    run.finish()
    return {name: np.array(times) * 1e6 for name, times in taken.items()}


def report(name: str, times: np.ndarray) -> None:
    print(
        f"{name:12s} median {np.median(times):6.1f} us   p99 {np.percentile(times, 99):6.1f} us   "
        f"p99.9 {np.percentile(times, 99.9):7.1f} us   pause {times.max() / 1e3:5.2f} ms"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=200_000)
    options = parser.parse_args()
    values = rows(options.rows)
    with tempfile.TemporaryDirectory() as folder:
        writer = create_run(Path(folder), RunInfo(id="a", name="tight"), FLOAT_COLUMNS)
        tight = laps(writer, values)
        report("tight loop", tight)
        begin = time.perf_counter()
        writer.close("finished")
        seconds = time.perf_counter() - begin
        size = sum(p.stat().st_size for p in writer.folder.rglob("*.parquet"))
        print(
            f"{'on disk':12s} {size / len(values):.1f} bytes a step; closing took {seconds:.2f} s"
        )
        writer = create_run(Path(folder), RunInfo(id="b", name="cold"), FLOAT_COLUMNS)
        report("cold caches", laps(writer, values[:20_000], between=True))
        writer.close("finished")
        by_turns = turns(Path(folder), values[:20_000])
        for name, times in by_turns.items():
            report(name, times)
    record, append = (float(np.median(by_turns[name])) for name in ("record", "append"))
    budget("Run.record, median", record, "us", 8)
    budget("Run.record, as against a row appended", record / append, "times", 2.5)
    budget("recording a row, median", float(np.median(tight)), "us", 4)
    budget("recording a row, p99", float(np.percentile(tight, 99)), "us", 30)
    budget("recording a row, longest pause", tight.max() / 1e3, "ms", 5)
    budget("on disk, a step", size / len(values), "bytes", 20)


if __name__ == "__main__":
    main()
