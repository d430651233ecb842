"""Cost of watching a training loop, as a ratio to the plain loop, part by part and beside others.

Segments of the same work alternate between the arms within one process, their order rotated,
so that a machine that slows down slows all arms down:

    plain             the loop alone
    gradient norm     + torch.nn.utils.get_total_norm(...).item(), which each of the next computes
    lrwatch           lrwatch.watch(optimizer)
      no update norm  the same with update norms sampled never (after the first 20 steps)
      no loss         the same with loss=None
    csv, ...          gradient norm, and another logger given three numbers (overhead/loggers.py)
    clipping          the loop with clip_grad_norm_, which has the gradient norm already
      lrwatch         the same watched; its ratio is to the line above

Threads of the other loggers work on in the background, beside every arm: --no-loggers has
lrwatch and the loop for themselves. The models with a budget are those measured unless others
are named.

    python benchmarks/step_overhead.py [--model mlp|tensors-150|tensors-1000|transformer ...]
        [--rounds N] [--no-loggers] [--processor-time]
"""

from __future__ import annotations

import argparse
import gc
import itertools
import logging
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from overhead.budgets import budget
from overhead.loggers import LOGGERS, Log
from torch import Tensor, nn

import lrwatch

MODELS = {"mlp": 200, "tensors-150": 20, "tensors-1000": 4, "transformer": 6}
"""Steps of a segment, by model."""

BUDGETS = {"mlp": (8, 5), "transformer": (3, 1)}
"""What watching may add to a step, and what it should, in percent."""

BASES = {"  lrwatch": "clipping"}
"""What an arm is compared with, where that is not the plain loop."""

Laps = dict[str, list[list[float]]]
"""By arm, for each round, the duration of each step in seconds."""


class Job:
    """A model, its optimizer and its data: one training step a call."""

    def __init__(self, model: str, max_norm: float | None = None) -> None:
        torch.manual_seed(0)
        self.net, self.batch = make(model)
        self.max_norm = max_norm
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=1e-3)
        self.n = 0

    def step(self, log: Callable[[Tensor], object] | None = None) -> None:
        x, y = self.batch(self.n)
        logits = self.net(x)
        loss = nn.functional.cross_entropy(logits.flatten(0, -2), y.flatten())
        loss.backward()
        if log is not None:
            log(loss)
        if self.max_norm is not None:
            nn.utils.clip_grad_norm_(self.net.parameters(), self.max_norm)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.n += 1

    def grad_norm(self) -> float:
        gradients = [p.grad for p in self.net.parameters() if p.grad is not None]
        return float(torch.nn.utils.get_total_norm(gradients, foreach=True).item())


Batch = Callable[[int], tuple[Tensor, Tensor]]
Arm = Callable[[], None]
Clock = Callable[[], float]


def make(model: str) -> tuple[nn.Module, Batch]:
    """Build a model and its data."""
    if model == "transformer":
        tokens = torch.randint(0, 256, (64, 2, 33))
        return Transformer(), lambda i: (tokens[i % 64, :, :-1], tokens[i % 64, :, 1:])
    x, y = torch.rand(1797, 64), torch.randint(0, 10, (1797,))
    n_layers = {"mlp": 3, "tensors-150": 75, "tensors-1000": 500}[model]
    width = 256 if model == "mlp" else 64
    sizes = [64, *[width] * (n_layers - 1), 10]
    layers: list[nn.Module] = []
    for n_in, n_out in itertools.pairwise(sizes):
        layers += [nn.Linear(n_in, n_out), nn.ReLU()]
    net = nn.Sequential(*layers[:-1])
    return net, lambda i: (x[i * 128 % 1664 :][:128], y[i * 128 % 1664 :][:128])


class Transformer(nn.Module):
    """10 million parameters in about 100 tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(256, 320)
        layer = nn.TransformerEncoderLayer(320, 8, 1280, 0.0, batch_first=True, norm_first=True)
        self.body = nn.TransformerEncoder(layer, 8, enable_nested_tensor=False)
        self.head = nn.Linear(320, 256)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.head(self.body(self.embed(x)))
        return out


def arms(model: str, folder: Path, stack: ExitStack, *, loggers: bool) -> dict[str, Arm]:
    steps = {
        "plain": Job(model).step,
        "gradient norm": norm_arm(Job(model)),
        "lrwatch": watched_arm(Job(model), folder),
        "  no update norm": watched_arm(Job(model), folder, update_norm_every=10**9),
        "  no loss": watched_arm(Job(model), folder, loss=None),
    }
    for name, open_logger in LOGGERS.items() if loggers else ():
        place = folder / name
        place.mkdir()
        try:
            steps[name] = logger_arm(Job(model), open_logger(place, stack))
        except ImportError:
            print(f"{name} is not installed and is left out")
    steps["clipping"] = Job(model, max_norm=1.0).step
    steps["  lrwatch"] = watched_arm(Job(model, max_norm=1.0), folder)
    return steps


def norm_arm(job: Job) -> Arm:
    return lambda: job.step(lambda _: job.grad_norm())


def watched_arm(job: Job, folder: Path, **options: Any) -> Arm:
    lrwatch.watch(job.optimizer, dir=folder / "runs", name="bench", **options)
    return job.step


def logger_arm(job: Job, log: Log) -> Arm:
    def log_numbers(loss: Tensor) -> None:
        lr = job.optimizer.param_groups[0]["lr"]
        log(job.n, {"lr": lr, "grad_norm": job.grad_norm(), "loss": loss.item()})

    return lambda: job.step(log_numbers)


def measure(model: str, rounds: int, *, loggers: bool, clock: Clock) -> Laps:
    times: Laps = {}
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        steps = arms(model, Path(folder), stack, loggers=loggers)
        for name, step in steps.items():
            times[name] = []
            for _ in range(max(25, MODELS[model] // 2)):
                step()
        names = list(steps)
        for i in range(rounds):
            for name in names[i % len(names) :] + names[: i % len(names)]:
                times[name].append(timed(steps[name], MODELS[model], clock))
        steps.clear()  # which ends the runs, while their folder is there
        del step
        gc.collect()
    return times


def timed(step: Arm, n_steps: int, clock: Clock) -> list[float]:
    laps = []
    for _ in range(n_steps):
        begin = clock()
        step()
        laps.append(clock() - begin)
    return laps


def added(times: Laps, name: str) -> float:
    """Return what an arm adds to a step of the loop it is compared with, in percent."""
    bases = times[BASES.get(name, "plain")]
    ratios = [sum(laps) / sum(base) for laps, base in zip(times[name], bases, strict=True)]
    return 100 * (statistics.median(ratios) - 1)


def report(model: str, times: Laps) -> None:
    n_tensors = len(list(Job(model).net.parameters()))
    rounds = len(times["plain"])
    print(f"{model}, {n_tensors} tensors: {rounds} rounds of {MODELS[model]} steps an arm")
    print("arm                 median step        added       p99 step   longest pause")
    for name, laps_by_round in times.items():
        every = sorted(lap for laps in laps_by_round for lap in laps)
        median = statistics.median(every)
        print(
            f"{name:18s} {median * 1e6:9.0f} us {added(times, name):+10.1f} %"
            f" {every[int(len(every) * 0.99)] * 1e6:11.0f} us {(every[-1] - median) * 1e3:12.1f} ms"
        )
    if model in BUDGETS:
        budget("watching a step", added(times, "lrwatch"), "%", *BUDGETS[model])
    if model == "mlp" and "tensorboard" in times:
        allowed = round(added(times, "tensorboard"), 1)
        budget("watching a step, beside TensorBoard", added(times, "lrwatch"), "%", allowed)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", choices=sorted(MODELS), action="append")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--no-loggers", action="store_true", help="leave other loggers out")
    parser.add_argument(
        "--processor-time",
        action="store_true",
        help="count what the training thread computes: for a machine that others use as well",
    )
    options = parser.parse_args()
    clock = time.thread_time if options.processor_time else time.perf_counter
    torch.set_num_threads(1)
    logging.getLogger("lrwatch").setLevel(logging.ERROR)  # nobody waits for these nets to learn
    for model in options.model or BUDGETS:
        times = measure(model, options.rounds, loggers=not options.no_loggers, clock=clock)
        report(model, times)


if __name__ == "__main__":
    main()
