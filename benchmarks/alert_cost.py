"""What alerts cost a training loop: the same loop with them and without, in alternation.

Segments of some seconds alternate, each longer than the pause between two looks, so that what
is read and judged falls into the segment that wrote it. Beside the time of a step stands the
processor time of the thread that judges, which holds up the loop at most for as long. Models that
have a budget in step_overhead, unless others are named.

    python benchmarks/alert_cost.py [--model mlp|tensors-150|...] [--rounds N] [--seconds S]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import threading
import time
from pathlib import Path

import torch
from step_overhead import BUDGETS, MODELS, Job

import lrwatch


def segment(job: Job, seconds: float) -> float:
    """Train for some seconds; return the mean time of a step."""
    n_before, begin = job.n, time.perf_counter()
    while (passed := time.perf_counter() - begin) < seconds:
        job.step()
    return float(passed / (job.n - n_before))


def thread_seconds() -> float:
    """Return the processor time that the thread of the alerts has taken."""
    (thread,) = (t for t in threading.enumerate() if t.name == "lrwatch alerts")
    assert thread.ident is not None
    return time.clock_gettime(time.pthread_getcpuclockid(thread.ident))


def measure(model: str, rounds: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        jobs = {"alerts off": Job(model), "alerts on": Job(model)}
        runs = [
            lrwatch.watch(job.optimizer, dir=Path(folder), alerts=name == "alerts on")
            for name, job in jobs.items()
        ]
        for job in jobs.values():
            segment(job, seconds)
        shares, ratios, steps = [], [], []
        for i in range(rounds):
            times = {}
            for name in sorted(jobs, reverse=bool(i % 2)):
                before = thread_seconds()
                times[name] = segment(jobs[name], seconds)
                if name == "alerts on":
                    shares.append((thread_seconds() - before) / seconds)
            ratios.append(times["alerts on"] / times["alerts off"] - 1)
            steps.append(times["alerts off"])
        for run in runs:
            run.finish()
    low, middle, high = statistics.quantiles(ratios, n=4)
    print(
        f"{model}: {statistics.median(steps) * 1e6:.0f} us a step; with alerts"
        f" {100 * middle:+.2f} % (quartiles {100 * low:+.2f} to {100 * high:+.2f} %);"
        f" their thread {100 * statistics.median(shares):.2f} % of one core"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", choices=sorted(MODELS), action="append")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=3.0)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for model in options.model or BUDGETS:
        measure(model, options.rounds, options.seconds)


if __name__ == "__main__":
    main()
