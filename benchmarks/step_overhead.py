"""Cost of watching a training loop, as a ratio to the plain loop, beside TensorBoard.

Segments of the same work alternate between the arms within one process, their order rotated,
so that a machine that slows down slows all arms down:

    plain          the loop alone
    lrwatch        lrwatch.watch(optimizer)
    tensorboard    SummaryWriter.add_scalar of learning rate, gradient norm and loss, the norm by
                   torch.nn.utils.get_total_norm

    python benchmarks/step_overhead.py [--model mlp|transformer] [--rounds N]
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import tempfile
import time
from collections.abc import Callable

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import nn

import lrwatch

STEPS = {"mlp": 200, "transformer": 8}


class Job:
    """A model, its optimizer and its data: one training step a call."""

    def __init__(self, model: str) -> None:
        torch.manual_seed(0)
        self.net, self.batch = {"mlp": digits_mlp, "transformer": transformer}[model]()
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=1e-3)
        self.n = 0

    def step(self, log: Callable[[float], None] | None = None) -> None:
        x, y = self.batch(self.n)
        logits = self.net(x)
        loss = nn.functional.cross_entropy(logits.flatten(0, -2), y.flatten())
        loss.backward()
        if log is not None:
            log(loss)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.n += 1


def digits_mlp():
    """The size of the digits data: 64 inputs, 10 classes, batches of 128; 6 tensors."""
    net = nn.Sequential(
        nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10)
    )
    x, y = torch.rand(1797, 64), torch.randint(0, 10, (1797,))
    return net, lambda i: (x[i * 128 % 1664 :][:128], y[i * 128 % 1664 :][:128])


class Transformer(nn.Module):
    """10 million parameters in about 100 tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(256, 320)
        layer = nn.TransformerEncoderLayer(320, 8, 1280, 0.0, batch_first=True, norm_first=True)
        self.body = nn.TransformerEncoder(layer, 8, enable_nested_tensor=False)
        self.head = nn.Linear(320, 256)

    def forward(self, x):
        return self.head(self.body(self.embed(x)))


def transformer():
    x = torch.randint(0, 256, (64, 2, 33))
    return Transformer(), lambda i: (x[i % 64, :, :-1], x[i % 64, :, 1:])


def arms(model: str, folder: str) -> dict[str, Callable[[], None]]:
    from torch.utils.tensorboard import SummaryWriter

    plain, watched, boarded = Job(model), Job(model), Job(model)
    lrwatch.watch(watched.optimizer, dir=folder, name="bench")
    writer = SummaryWriter(f"{folder}/tensorboard")
    params = list(boarded.net.parameters())

    def board(loss):
        norm = torch.nn.utils.get_total_norm([p.grad for p in params], foreach=True).item()
        writer.add_scalar("lr", boarded.optimizer.param_groups[0]["lr"], boarded.n)
        writer.add_scalar("grad_norm", norm, boarded.n)
        writer.add_scalar("loss", loss.item(), boarded.n)

    return {
        "plain": plain.step,
        "lrwatch": watched.step,
        "tensorboard": lambda: boarded.step(board),
    }


def measure(model: str, rounds: int) -> dict[str, list[list[float]]]:
    """Return for each arm and round the duration of each step, in seconds."""
    times: dict[str, list[list[float]]] = {}
    with tempfile.TemporaryDirectory() as folder:
        steps = arms(model, folder)
        for name, step in steps.items():
            times[name] = []
            for _ in range(50 if model == "mlp" else 3):
                step()
        names = list(steps)
        for i in range(rounds):
            for name in names[i % len(names) :] + names[: i % len(names)]:
                step, laps = steps[name], []
                for _ in range(STEPS[model]):
                    begin = time.perf_counter()
                    step()
                    laps.append(time.perf_counter() - begin)
                times[name].append(laps)
        steps.clear()  # which ends the run, while its folder is there
        gc.collect()
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", choices=sorted(STEPS), default="mlp")
    parser.add_argument("--rounds", type=int, default=30)
    options = parser.parse_args()
    torch.set_num_threads(1)
    times = measure(options.model, options.rounds)
    plain = [sum(laps) for laps in times["plain"]]
    print(f"{options.model}: {options.rounds} rounds of {STEPS[options.model]} steps an arm")
    print("arm            median step      ratio to plain      p99 step    longest step")
    for name, rounds in times.items():
        every = sorted(lap for laps in rounds for lap in laps)
        ratio = statistics.median(sum(laps) / p for laps, p in zip(rounds, plain, strict=True))
        print(
            f"{name:12s} {statistics.median(every) * 1e6:9.0f} us {100 * (ratio - 1):+15.1f} %"
            f" {every[int(len(every) * 0.99)] * 1e6:12.0f} us {every[-1] * 1e3:10.1f} ms"
        )


if __name__ == "__main__":
    main()
