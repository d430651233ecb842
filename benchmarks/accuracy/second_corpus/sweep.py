"""A job at many learning rates and two seeds; and games, which are played at one rate each."""

from __future__ import annotations

import pickle
import time
from collections.abc import Iterable
from pathlib import Path

import torch

from benchmarks.accuracy.second_corpus.label import CLASS, label_sweep
from benchmarks.accuracy.second_corpus.tasks import TASKS
from benchmarks.accuracy.second_corpus.train import Setup, Trained, train

SEEDS = (0, 1)
REACH = 5  # half-decades on either side of the centre that are tried at first
WIDEST = 9
ENOUGH = 2  # learning rates of a class


def prepare_process() -> None:
    """Make this process one that trains and does nothing else: both hold for all of it."""
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)


def swept(setup: Setup, *, folder: Path) -> str:
    """Train and keep all runs of a sweep, unless they are there; say what came out."""
    part = folder / f"{setup.name}.pkl"
    if part.exists():
        return f"{setup.name}: there already"
    began = time.monotonic()
    runs = _train(setup, range(-REACH, REACH + 1))
    label_sweep(runs)
    low = high = REACH
    while low < WIDEST and _rates(runs, "too_low") < ENOUGH:
        runs += _train(setup, range(-low - 2, -low))
        low += 2
        label_sweep(runs)
    while high < WIDEST and _rates(runs, "too_high") < ENOUGH:
        runs += _train(setup, range(high + 1, high + 3))
        high += 2
        label_sweep(runs)
    _keep(runs, part)
    found = ", ".join(f"{_rates(runs, kind)} {kind}" for kind in ("too_low", "ok", "too_high"))
    return f"{setup.name}: {found} in {time.monotonic() - began:.0f} s"


def played(setup: Setup, *, folder: Path) -> str:
    """Train and keep a game, whose loss is no objective, for each seed."""
    part = folder / f"{setup.name}.pkl"
    if not part.exists():
        _keep(_train(setup, [0]), part)
    return f"{setup.name}: there"


def _train(setup: Setup, exponents: Iterable[int]) -> list[Trained]:
    runs = []
    for k in exponents:
        for seed in SEEDS:
            torch.manual_seed(seed)
            task = TASKS[setup.task](seed, setup.batch_size, **setup.task_options)
            runs.append(train(task, setup, setup.centre * 10 ** (k / 2), seed))
    return runs


def _rates(runs: Iterable[Trained], kind: str) -> int:
    return len({run.lr for run in runs if CLASS[run.labels["label"]] == kind})


def _keep(runs: list[Trained], part: Path) -> None:
    """Write to another name first: what is there is whole."""
    unfinished = part.with_suffix(".unfinished")
    unfinished.write_bytes(pickle.dumps(runs))
    unfinished.replace(part)
