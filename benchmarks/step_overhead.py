"""Cost of watching a training loop, as a ratio to the plain loop, part by part and beside others.

Segments of the same work alternate between the arms within one process, their order rotated,
so that a machine that slows down slows all arms down:

    plain             the loop alone
    gradient norm     + torch.nn.utils.get_total_norm(...).item(), which each of the next computes
    lrwatch           lrwatch.watch(optimizer)
      no update norm  the same with update norms sampled never (after the first 20 steps)
      no loss         the same with loss=None
    csv               gradient norm, and a line of a csv file a step
    tensorboard       gradient norm, and SummaryWriter.add_scalar of three numbers

    python benchmarks/step_overhead.py [--model mlp|tensors-150|tensors-1000|transformer ...]
"""

from __future__ import annotations

import argparse
import csv
import gc
import itertools
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import Tensor, nn

import lrwatch

MODELS = {"mlp": 200, "tensors-150": 20, "tensors-1000": 4, "transformer": 6}
"""Steps of a segment, by model."""


class Job:
    """A model, its optimizer and its data: one training step a call."""

    def __init__(self, model: str) -> None:
        torch.manual_seed(0)
        self.net, self.batch = make(model)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=1e-3)
        self.n = 0

    def step(self, log: Callable[[Tensor], object] | None = None) -> None:
        x, y = self.batch(self.n)
        logits = self.net(x)
        loss = nn.functional.cross_entropy(logits.flatten(0, -2), y.flatten())
        loss.backward()
        if log is not None:
            log(loss)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.n += 1

    def grad_norm(self) -> float:
        gradients = [p.grad for p in self.net.parameters() if p.grad is not None]
        return float(torch.nn.utils.get_total_norm(gradients, foreach=True).item())


Batch = Callable[[int], tuple[Tensor, Tensor]]


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


def arms(model: str, folder: Path) -> dict[str, Callable[[], None]]:
    return {
        "plain": Job(model).step,
        "gradient norm": norm_arm(Job(model)),
        "lrwatch": watched_arm(Job(model), folder),
        "  no update norm": watched_arm(Job(model), folder, update_norm_every=10**9),
        "  no loss": watched_arm(Job(model), folder, loss=None),
        "csv": csv_arm(Job(model), folder / "steps.csv"),
        "tensorboard": tensorboard_arm(Job(model), folder / "tensorboard"),
    }


def norm_arm(job: Job) -> Callable[[], None]:
    return lambda: job.step(lambda _: job.grad_norm())


def watched_arm(job: Job, folder: Path, **options: Any) -> Callable[[], None]:
    lrwatch.watch(job.optimizer, dir=folder, name="bench", **options)
    return job.step


def csv_arm(job: Job, path: Path) -> Callable[[], None]:
    file = path.open("w", buffering=1)
    writer = csv.writer(file)

    def log(loss: Tensor) -> None:
        lr = job.optimizer.param_groups[0]["lr"]
        writer.writerow([job.n, time.time(), loss.item(), lr, job.grad_norm()])

    return lambda: job.step(log)


def tensorboard_arm(job: Job, folder: Path) -> Callable[[], None]:
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))

    def log(loss: Tensor) -> None:
        writer.add_scalar("lr", job.optimizer.param_groups[0]["lr"], job.n)
        writer.add_scalar("grad_norm", job.grad_norm(), job.n)
        writer.add_scalar("loss", loss.item(), job.n)

    return lambda: job.step(log)


def measure(model: str, rounds: int) -> dict[str, list[list[float]]]:
    """Return for each arm and round the duration of each step, in seconds."""
    times: dict[str, list[list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        steps = arms(model, Path(folder))
        for name, step in steps.items():
            times[name] = []
            for _ in range(max(25, MODELS[model] // 2)):
                step()
        names = list(steps)
        for i in range(rounds):
            for name in names[i % len(names) :] + names[: i % len(names)]:
                times[name].append(timed(steps[name], MODELS[model]))
        steps.clear()  # which ends the runs, while their folder is there
        del step
        gc.collect()
    return times


def timed(step: Callable[[], None], n_steps: int) -> list[float]:
    laps = []
    for _ in range(n_steps):
        begin = time.perf_counter()
        step()
        laps.append(time.perf_counter() - begin)
    return laps


def report(model: str, times: dict[str, list[list[float]]]) -> None:
    plain = [sum(laps) for laps in times["plain"]]
    n_tensors = len(list(Job(model).net.parameters()))
    print(f"{model}, {n_tensors} tensors: {len(plain)} rounds of {MODELS[model]} steps an arm")
    print("arm                 median step   over plain       p99 step   longest step")
    for name, rounds in times.items():
        every = sorted(lap for laps in rounds for lap in laps)
        ratio = statistics.median(sum(laps) / p for laps, p in zip(rounds, plain, strict=True))
        print(
            f"{name:18s} {statistics.median(every) * 1e6:9.0f} us {100 * (ratio - 1):+10.1f} %"
            f" {every[int(len(every) * 0.99)] * 1e6:11.0f} us {every[-1] * 1e3:11.1f} ms"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", choices=sorted(MODELS), action="append")
    parser.add_argument("--rounds", type=int, default=21)
    options = parser.parse_args()
    torch.set_num_threads(1)
    for model in options.model or MODELS:
        report(model, measure(model, options.rounds))


if __name__ == "__main__":
    main()
