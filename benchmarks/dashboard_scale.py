"""The dashboard on a big store, beside its budgets, and beside TensorBoard on the same numbers.

    python benchmarks/dashboard_scale.py [--runs N] [--steps N] [--long N] [--browser] [--folder DIR]

A store of short runs and one long one with a single spike is written with lrwatch's own writer.
Then the application is asked over WSGI as a browser would ask it: in a process that starts for
the first time, and in one that starts for the second time. With ``--browser`` both are also
timed from the outside, in Chromium. ``--folder`` keeps the store for the next time.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from dashboard_store import make_store

BUDGETS = (
    # name, key of the measurement, the most that is allowed, unit
    ("Overview, first start", "overview_cold", 2.0, "s"),
    ("Overview, second start", "overview_warm", 1.0, "s"),
    ("Overview, asked again", "overview_again", 1.0, "s"),
    ("long run opens", "run_opens", 1.0, "s"),
    ("zoom, slowest of 5", "zoom", 0.4, "s"),
    ("spikes lost in 6 views", "spikes_lost", 0, ""),
    ("poll with nothing new, median", "poll_ms", 15.0, "ms"),
    ("poll while runs are judged, median", "busy_poll_ms", 15.0, "ms"),
    ("memory, first start, all judged", "memory_cold", 400, "MB"),
    ("memory, second start", "memory_warm", 400, "MB"),
    ("JavaScript of all pages", "javascript", 4.0, "MB"),
)


def measured(store: Path, cache: Path, phase: str) -> dict[str, Any]:
    """Run a phase of the measurement in a process of its own."""
    program = Path(__file__).with_name("dashboard_phase.py")
    environment = os.environ | {"XDG_CACHE_HOME": str(cache), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, program, phase, store]
    report = subprocess.run(
        command, env=environment, stdout=subprocess.PIPE, check=True, text=True
    ).stdout
    answer: dict[str, Any] = json.loads(report.splitlines()[-1])
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--steps", type=int, default=300, help="steps of a short run")
    parser.add_argument("--long", type=int, default=1_000_000, help="steps of the long run")
    parser.add_argument("--browser", action="store_true", help="measure in Chromium, too")
    parser.add_argument("--tensorboard", action="store_true", help="measure TensorBoard, too")
    parser.add_argument("--folder", type=Path, help="where the store is made, or found again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = options.folder or Path(folder) / "runs"
        cache = Path(folder) / "cache"
        make_store(store, options.runs, options.steps, options.long)
        figures = measured(store, cache, "cold")
        judged = figures.pop("judged")
        figures |= measured(store, cache, "warm")
        print(f"{options.runs:,} runs of {options.steps:,} steps, one of {options.long:,}")
        for name, key, most, unit in BUDGETS:
            value = figures[key]
            verdict = "" if value <= most else "  OVER"
            print(f"  {name:38s} {value:9.3g} {unit:3s} budget {most:g}{verdict}")
        print(f"  {'all judged, first start':38s} {judged:9.3g} s")
        for name, argument in (("in Chromium", options.browser), ("beside", options.tensorboard)):
            if argument:
                program = "dashboard_browser" if name == "in Chromium" else "dashboard_tensorboard"
                command = [sys.executable, Path(__file__).with_name(f"{program}.py"), store]
                subprocess.run(command, check=True)


if __name__ == "__main__":
    main()
