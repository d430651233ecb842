"""The dashboard on a big store, beside its budgets, and beside TensorBoard on the same numbers.

    python benchmarks/dashboard_scale.py [--runs N] [--no-browser] [--tensorboard] [--folder DIR]

A store of short runs and one long one with a single spike is written with lrwatch's own writer.
Then the application is asked over WSGI as a browser would ask it: in a process that starts for
the first time, and in one that starts for the second time. Where there is a Chromium, both are
also timed from the outside. ``--folder`` keeps the store for the next time.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from scale.store import LONG, make_long_runs, make_metric_run, make_store

SETTLED_SECONDS = 11.0
N_LONG_RUNS = 20

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
    ("20 own metrics: page as it comes", "metrics_first", 1.0, "s"),
    ("all 20 drawn, first time", "metrics_all", 1.0, "s"),
    ("all 20 zoomed", "metrics_zoom", 1.0, "s"),
    ("most memory meanwhile", "metrics_peak", 400, "MB"),
    ("JavaScript of all pages", "javascript", 4.0, "MB"),
)


def run(module: str, *arguments: Path | str, **options: Any) -> str:
    """Run a part of the measurement in a process of its own; return what it said."""
    path = os.pathsep.join([str(Path(__file__).parent), *filter(None, sys.path)])
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": path} | options
    command = [sys.executable, "-m", module, *map(str, arguments)]
    ended = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    return ended.stdout


def measured(store: Path, cache: Path, phase: str, part: str = "scale.phase") -> dict[str, Any]:
    report = run(part, phase, store, LRWATCH_CACHE_DIR=str(cache))
    figures: dict[str, Any] = json.loads(report.splitlines()[-1])
    return figures


def has_browser() -> bool:
    """Return whether there is a Chromium, and what drives it."""
    names = ("chromium", "chromium-browser", "google-chrome")
    return bool(find_spec("playwright")) and any(map(shutil.which, names))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=2_000)
    parser.add_argument("--steps", type=int, default=300, help="steps of a short run")
    parser.add_argument("--long", type=int, default=1_000_000, help="steps of the long run")
    parser.add_argument(
        "--browser",
        action=argparse.BooleanOptionalAction,
        default=has_browser(),
        help="measure in Chromium, too; done by itself where it can be",
    )
    parser.add_argument("--tensorboard", action="store_true", help="measure TensorBoard, too")
    parser.add_argument("--folder", type=Path, help="where the store is made, or found again")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = options.folder or Path(folder) / "runs"
        long_runs = store.with_name(f"{store.name}-long")
        make_store(store, options.runs, options.steps, options.long)
        # A run that ended just now may still change, and is not remembered.
        time.sleep(max(0.0, (store / LONG).stat().st_mtime + SETTLED_SECONDS - time.time()))
        cache = Path(folder) / "cache"
        print(f"{options.runs:,} runs of {options.steps:,} steps, one of {options.long:,}")
        figures = measured(store, cache, "cold") | measured(store, cache, "warm")
        own = store.with_name(f"{store.name}-metrics")
        make_metric_run(own, options.long)
        for phase in ("judge", "open"):
            figures |= measured(own, cache, phase, "scale.metrics")
        for name, key, most, unit in BUDGETS:
            verdict = "" if figures[key] <= most else "  OVER"
            print(f"  {name:44s} {figures[key]:6.3g} {unit:2s}  budget {most:g}{verdict}")
        print(f"  {'first start: all judged after':44s} {figures['judged']:6.3g} s")
        if options.browser:
            make_long_runs(long_runs, store / LONG, N_LONG_RUNS)
            print(run("scale.browser", store, cache, Path(folder) / "empty", long_runs), end="")
        if options.tensorboard:
            print(run("scale.tensorboard", store, Path(folder) / "events"), end="")


if __name__ == "__main__":
    main()
