"""What watching costs on one GPU, and whether it is right there, in less than four minutes.

    python -m benchmarks.gpu_budget [--seconds 200] [--json FILE]
    python -m benchmarks.gpu_budget --device cpu --tiny     tries the program itself

Ratios come from blocks of steps of the same job that take turns within one process: plain, watched,
and with TensorBoard and the gradient norm where it is installed. Whatever fails is printed, and the
rest goes on. Prints a table, and everything as one line of JSON.
"""

from __future__ import annotations

import argparse
import functools
import json
import logging
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))  # as `make bench` starts it, and `python -m`

import torch
from gpu import checks, cost
from gpu.jobs import JOBS, TINY_JOBS

Part = Callable[[], Any]

BUDGETS = {
    "MLP, 6 tensors": 12.0,
    "MLP, 6 tensors, clipped": 8.0,
    "GPT, 10.9 M": 3.0,
    "GPT, 10.9 M, clipped": 1.0,
    "GPT-2, 124 M": 0.5,
    "GPT-2, 124 M, clipped": 0.5,
}
"""What watching may add to a step, in percent."""


NEEDS_CUDA = (
    "graph of the whole step", "make_graphed_callables", "waits", "memory", "reduce-overhead",
)  # fmt: skip


def parts(options: argparse.Namespace, folder: Path) -> dict[str, Part]:
    """Return what is measured, in order: the most wanted first."""
    jobs = TINY_JOBS if options.tiny else JOBS
    device = options.device
    mlp, gpt = jobs["MLP, 6 tensors"], jobs["GPT, 10.9 M"]
    small = {name: jobs[name] for name in ("MLP, 6 tensors", "GPT, 10.9 M")}
    graph = functools.partial(checks.whole_step_graph, mlp, device, folder)
    chosen: dict[str, Part] = {
        "truth": functools.partial(checks.truth, mlp, device, folder),
        "graph of the whole step": graph,
        "make_graphed_callables": functools.partial(checks.graphed_callables, mlp, device, folder),
        "waits": functools.partial(cost.waits, jobs, device, folder),
        "memory": functools.partial(cost.added_memory, jobs, device, folder),
        "ratios": functools.partial(cost.ratios, jobs, device, folder, 0.4 * options.seconds),
        "launches": functools.partial(cost.launches, small, device, folder),
        "threads": functools.partial(checks.storm, device, 0.05 * options.seconds),
        "truth of a GPT": functools.partial(checks.truth, gpt, device, folder),
        "reduce-overhead": functools.partial(checks.compiled, mlp, device, folder),
    }
    return {n: part for n, part in chosen.items() if device == "cuda" or n not in NEEDS_CUDA}


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=200.0)
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--tiny", action="store_true", help="nets that a CPU trains")
    parser.add_argument("--json", type=Path, help="write the numbers here as well")
    options = parser.parse_args()
    if options.device == "cuda" and not torch.cuda.is_available():
        print("no CUDA device: what this measures is unchecked here")
        return
    logging.getLogger("lrwatch").setLevel(logging.ERROR)  # nobody waits for these nets to learn
    card = torch.cuda.get_device_name() if options.device == "cuda" else "CPU"
    results: dict[str, Any] = {
        "card": card, "torch": torch.__version__, "python": sys.version.split()[0]
    }  # fmt: skip
    print(card, "torch", torch.__version__, flush=True)
    begin = time.monotonic()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        for name, part in parts(options, Path(folder)).items():
            spent = time.monotonic() - begin
            if spent > options.seconds:
                results[name] = "left out: the time is over"
            else:
                results[name] = guarded(part)
            print(f"== {name} ({time.monotonic() - begin - spent:.0f} s)", flush=True)
            show(results[name])
            if options.json:
                options.json.write_text(json.dumps(results))
    if options.device == "cuda":
        budgets(results.get("ratios"))
    print(json.dumps(results))


def guarded(part: Part) -> Any:
    """Return the numbers of a part, or how it failed."""
    try:
        return part()
    except Exception as error:  # noqa: BLE001  the other parts can still be measured
        traceback.print_exc(limit=-4)
        return f"failed: {type(error).__name__}: {error}"[:500]


def show(numbers: Any, indent: str = "  ") -> None:
    """Print numbers by name, those within those further to the right."""
    if not isinstance(numbers, dict):
        print(f"{indent}{numbers}")
        return
    if all(isinstance(value, float) for value in numbers.values()):
        print(indent + ", ".join(f"{name} {value:.4g}" for name, value in numbers.items()))
        return
    for name, value in numbers.items():
        if isinstance(value, dict):
            print(f"{indent}{name}")
            show(value, indent + "  ")
        else:
            print(f"{indent}{name}: {value}")


def budgets(ratios: Any) -> None:
    """Print what watching may add, and what it does."""
    for name, allowed in BUDGETS.items():
        if isinstance(ratios, dict) and name in ratios:
            reached = ratios[name]["watched %"]
            verdict = "met" if reached <= allowed else "MISSED"
            print(f"budget {name}: {allowed:g} %, reached {reached:.1f} %: {verdict}")


if __name__ == "__main__":
    main()
