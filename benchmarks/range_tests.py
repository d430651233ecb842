"""How near the rate that a range test names comes to the best one of a real sweep.

Each job is trained at rates half a decade apart; the best one ends lowest on fixed examples. Then
`lrwatch.range_test` is run on it anew, with other seeds, and every rule reads the same losses:
ours, and those of fastai, torch-lr-finder and Lightning, written down from their descriptions.

    python benchmarks/range_tests.py [--jobs N] [--to FILE.json]

References
----------
L. N. Smith, WACV 2017 (the test); fastai docs, `lr_find` (valley, steep, minimum);
torch-lr-finder's README (steepest gradient of the smoothed loss); Lightning docs, "Learning Rate
Finder" (the same).
"""

from __future__ import annotations

import argparse
import json
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import lrwatch
from benchmarks.accuracy.second_corpus.optimizers import OPTIMIZERS
from benchmarks.accuracy.second_corpus.tasks import TASKS
from benchmarks.accuracy.second_corpus.train import Setup, train
from lrwatch.comparing import read_range_test

# fmt: off
JOBS = (
    Setup("vit-momentum", "vit", "momentum", "constant", 16, 300, 0.03, task_options={"layers": 1}),
    Setup("vit-adamw", "vit", "adamw", "cosine", 32, 300, 3e-3, task_options={"layers": 1}),
    Setup("lstm-rmsprop", "seq", "rmsprop", "constant", 32, 300, 3e-3,
          task_options={"cell": "LSTM"}),
    Setup("physics-adam", "pinn", "adam", "constant", 64, 400, 3e-3),
    Setup("vae-adam", "vae", "adam", "constant", 64, 400, 3e-3),
    Setup("vae-momentum", "vae", "momentum", "constant", 32, 400, 0.03),
    Setup("contrastive-adamw", "contrastive", "adamw", "constant", 128, 300, 3e-3),
    Setup("fullbatch-sgd", "fullbatch", "sgd", "constant", 300, 400, 0.3),
    Setup("noisy-nesterov", "noisy", "nesterov", "constant", 32, 400, 0.03),
    Setup("noisy-adam", "noisy", "adam", "constant", 16, 400, 3e-3),
    Setup("likelihood-adam", "nll", "adam", "constant", 64, 500, 3e-3),
    Setup("hinge-adagrad", "hinge", "adagrad", "constant", 32, 400, 0.03),
    Setup("words-adam", "skipgram", "adam", "constant", 128, 500, 0.01),
    Setup("diffusion-adamw", "diffusion", "adamw", "constant", 64, 500, 3e-3),
    Setup("segments-momentum", "segments", "momentum", "constant", 16, 300, 0.1),
    Setup("tiny-sgd", "wine", "sgd", "constant", 16, 400, 0.1),
)
# fmt: on

RATES = 10 ** np.arange(-3, 2.01, 0.5)
"""Of a sweep, as factors of the rate at its centre."""

N_TESTS = 3
FACTOR = 3.0


def smoothed(losses: np.ndarray, beta: float) -> np.ndarray:
    """Return an exponential mean without the bias of its beginning."""
    found, mean = [], 0.0
    for k, loss in enumerate(losses, 1):
        mean = beta * mean + (1 - beta) * loss
        found.append(mean / (1 - beta**k))
    return np.array(found)


def cut(
    rates: np.ndarray, losses: np.ndarray, *, beta: float, lost: float, end: int
) -> tuple[np.ndarray, np.ndarray]:
    """Smooth, stop where that is so many times its lowest, leave out a tenth and the last few."""
    smooth = smoothed(losses, beta)
    over = np.flatnonzero(smooth > lost * np.abs(np.minimum.accumulate(smooth)))
    last = (int(over[0]) if len(over) else len(smooth)) - end
    first = len(losses) // 10
    return rates[first:last], smooth[first:last]


def steepest_by_step(rates: np.ndarray, losses: np.ndarray, **how: float) -> float:
    rates, smooth = cut(rates, losses, **how)  # type: ignore[arg-type]
    return float(rates[np.argmin(np.gradient(smooth))]) if len(smooth) > 1 else math.nan


def of_lightning(rates: np.ndarray, losses: np.ndarray) -> float:
    """Where the smoothed loss falls fastest, without the last step."""
    return steepest_by_step(rates, losses, beta=0.98, lost=4, end=1)


def of_torch_lr_finder(rates: np.ndarray, losses: np.ndarray) -> float:
    """Where a less smoothed loss falls fastest, without the last five steps."""
    return steepest_by_step(rates, losses, beta=0.95, lost=5, end=5)


def tenth_of_lowest(rates: np.ndarray, losses: np.ndarray) -> float:
    """A tenth of the rate at which the smoothed loss is lowest: fastai's `minimum`."""
    rates, smooth = cut(rates, losses, beta=0.98, lost=4, end=5)
    return float(rates[np.argmin(smooth)] / 10) if len(smooth) else math.nan


def steepest_by_factor(rates: np.ndarray, losses: np.ndarray) -> float:
    """Where the loss falls fastest by factor of the rate: fastai's `steep`."""
    rates, smooth = cut(rates, losses, beta=0.98, lost=4, end=5)  # all steps are one factor
    return float(rates[np.argmin(np.diff(smooth))]) if len(smooth) > 1 else math.nan


def valley(rates: np.ndarray, losses: np.ndarray) -> float:
    """Return the middle of the longest chain of ever lower losses: fastai's `valley`."""
    rates, smooth = cut(rates, losses, beta=0.98, lost=4, end=5)
    length = np.ones(len(smooth), int)
    for i in range(1, len(smooth)):
        higher = length[:i][smooth[:i] > smooth[i]]
        length[i] = 1 + higher.max(initial=0)
    if not len(length):
        return math.nan
    end = int(np.argmax(length))
    start = max(end - int(length[end]), 0)
    return float(rates[start + (end - start) // 2])


def ours(rates: np.ndarray, losses: np.ndarray) -> float:
    """Return what lrwatch names; NaN where it names nothing."""
    found = read_range_test(rates, losses).lr
    return math.nan if found is None else found


RULES: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "lrwatch": ours,
    "fastai valley": valley,
    "fastai minimum / 10": tenth_of_lowest,
    "fastai steep": steepest_by_factor,
    "torch-lr-finder": of_torch_lr_finder,
    "Lightning": of_lightning,
}


def sweep(setup: Setup) -> dict[float, float]:
    """Return where each rate ended: the median of two seeds."""
    ends: dict[float, float] = {}
    for lr in setup.centre * RATES:
        outcomes = []
        for seed in (0, 1):
            torch.manual_seed(seed)
            task = TASKS[setup.task](seed, setup.batch_size, **setup.task_options)
            outcomes.append(train(task, setup, float(lr), seed).outcome)
        ends[float(lr)] = max(outcomes)
    return ends


def range_test(setup: Setup, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return rates and losses of a test with a seed that no run of the sweep had."""
    torch.manual_seed(100 + seed)
    task = TASKS[setup.task](100 + seed, setup.batch_size, **setup.task_options)
    optimizer = OPTIMIZERS[setup.optimizer](
        task.model.parameters(), lr=1e-3, **setup.optimizer_options
    )

    def loss(model: Any, _batch: Any) -> torch.Tensor:  # noqa: ARG001  the task knows its model
        return task.loss()

    found = lrwatch.range_test(task.model, optimizer, loss, [None], end_lr=100.0, steps=300)
    return found.rates, found.losses


def measure(setup: Setup) -> dict[str, Any]:
    ends = sweep(setup)
    tests = [[each.tolist() for each in range_test(setup, seed)] for seed in range(N_TESTS)]
    return {
        "job": setup.name,
        "ends": {f"{lr:.6g}": end for lr, end in ends.items()},
        "tests": tests,
    }


def best_of(ends: dict[str, float]) -> float:
    return float(min(ends, key=lambda lr: ends[lr]))


def report(found: list[dict[str, Any]]) -> str:
    """Return a table: how many decades each rule's rate is from the best one."""
    lines = [f"{'job':20}{'best':>9}" + "".join(f"{name:>21}" for name in RULES)]
    errors: dict[str, list[float]] = {name: [] for name in RULES}
    for each in found:
        best = best_of(each["ends"])
        row = f"{each['job']:20}{best:9.2g}"
        for name, rule in RULES.items():
            named = [rule(np.array(rates), np.array(losses)) for rates, losses in each["tests"]]
            off = [math.log10(lr / best) for lr in named if lr > 0]
            errors[name] += off + [math.nan] * (len(named) - len(off))
            row += f"{np.median(off):+21.2f}" if off else f"{'-':>21}"
        lines.append(row)
    for title, what in (
        ("median distance", lambda e: f"{np.nanmedian(np.abs(e)):.2f}"),
        ("mean distance", lambda e: f"{np.nanmean(np.abs(e)):.2f}"),
        ("within a factor 3", lambda e: f"{np.mean(np.abs(e) <= math.log10(FACTOR)):.0%}"),
        ("too high by > 10", lambda e: f"{np.mean(np.array(e) > 1):.0%}"),
        ("names nothing", lambda e: f"{np.mean(np.isnan(e)):.0%}"),
    ):
        lines.append(f"{title:29}" + "".join(f"{what(errors[name]):>21}" for name in RULES))
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--jobs", type=int, default=len(JOBS))
    parser.add_argument(
        "--to", type=Path, help="keep sweeps and tests here, and read them from here"
    )
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.to and arguments.to.exists():
        found = json.loads(arguments.to.read_text())
    else:
        found = []
        for setup in JOBS[: arguments.jobs]:
            found.append(measure(setup))
            print(
                f"{setup.name}: best {best_of(found[-1]['ends']):.2g}", file=sys.stderr, flush=True
            )
            if arguments.to:
                arguments.to.write_text(json.dumps(found))
    print(report(found))


if __name__ == "__main__":
    main()
