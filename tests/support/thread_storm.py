"""Trainings on many threads at once, recorded and held against what each of them saw itself.

    python tests/support/thread_storm.py --seconds 60 [--device cuda]

Ends with status 0 if the process lived and every run is as its thread saw it. All at once:

* threads that each train a net of their own, watched within the thread, again and again;
* trainings whose every iteration is made by whichever thread of a pool is free;
* a training whose optimizer was made and watched by the main thread;
* a training that accumulates over two losses, and logs from yet another thread;
* Hogwild: one net, two threads, an optimizer and a run each;
* threads that call `backward` for nets that nobody watches.
"""

from __future__ import annotations

import argparse
import faulthandler
import queue
import random
import sys
import tempfile
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, nn

import lrwatch

__all__ = ["storm"]

FEWEST = 5  # steps of a training, however short of time


class Training:
    """A small net, its optimizer and its run, and the losses that it has seen."""

    def __init__(self, folder: Path, name: str, device: str, seed: int) -> None:
        torch.manual_seed(seed)
        sizes = (nn.Linear(12, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 1))
        self.net = nn.Sequential(*sizes).to(device)
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=1e-3)
        self.run = lrwatch.watch(self.optimizer, dir=folder, name=name, alerts=None)
        self.device = device
        self.losses: list[Tensor] = []

    def step(self) -> None:
        self.optimizer.zero_grad()
        loss = self.loss()
        loss.backward()
        self.optimizer.step()
        self.losses.append(loss.detach())

    def loss(self) -> Tensor:
        out: Tensor = self.net(torch.randn(16, 12, device=self.device))
        return out.square().mean()

    def check(self) -> None:
        """Hold what was recorded against what was seen."""
        self.run.finish()
        recorded = lrwatch.read(self.run.path)
        seen = [float(loss) for loss in self.losses]
        assert recorded["loss"].tolist() == seen, f"{self.run.name}: losses differ"
        assert recorded["grad_norm"].notna().all(), f"{self.run.name}: a norm is missing"


class Storm:
    """All of it, until the time is over."""

    def __init__(self, folder: Path, device: str, seconds: float) -> None:
        self.folder, self.device = folder, device
        self.end = time.monotonic() + seconds
        self.errors: list[str] = []
        self.n_steps = 0

    def is_on(self) -> bool:
        return time.monotonic() < self.end

    def run(self) -> None:
        parts: list[Callable[[], None]] = [
            *[self.own_trainings] * 3,
            *[self.strangers] * 2,
            self.pool,
            self.made_elsewhere,
            self.accumulating,
            self.hogwild,
        ]
        together(parts, self.errors)
        assert not self.errors, "\n".join(self.errors)

    def training(self, name: str) -> Training:
        return Training(self.folder, name, self.device, random.randrange(1000))

    def own_trainings(self) -> None:
        while self.is_on():
            training = self.training("own")
            for _ in range(40):
                training.step()
            training.check()
            self.n_steps += 40

    def strangers(self) -> None:
        net = nn.Linear(30, 30).to(self.device)
        while self.is_on():
            net(torch.randn(8, 30, device=self.device)).square().sum().backward()
            net.zero_grad()

    def pool(self) -> None:
        trainings = [self.training(f"pool-{i}") for i in range(3)]
        free: queue.Queue[Training] = queue.Queue()
        for training in trainings:
            free.put(training)

        def work() -> None:
            while self.is_on():
                training = free.get()
                training.step()
                free.put(training)

        together([work] * 3, self.errors)
        for training in trainings:
            training.check()
            self.n_steps += len(training.losses)

    def made_elsewhere(self) -> None:
        training = self.training("made-elsewhere")

        def work() -> None:
            while self.is_on() or len(training.losses) < FEWEST:
                training.step()

        together([work], self.errors)
        training.check()

    def accumulating(self) -> None:
        training = self.training("accumulating")

        def log() -> None:
            number = 0
            while self.is_on() or len(training.losses) < FEWEST:
                number += 1
                training.run.log(number=number)
                time.sleep(0.0005)

        def work() -> None:
            while self.is_on() or len(training.losses) < FEWEST:
                training.optimizer.zero_grad()
                first, second = training.loss(), training.loss()
                first.backward()
                second.backward()
                training.optimizer.step()
                training.losses.append((first.double() + second.double()).detach())

        together([work, log], self.errors)
        training.run.finish()
        recorded = lrwatch.read(training.run.path)
        seen = torch.stack(training.losses).cpu()
        torch.testing.assert_close(torch.tensor(recorded["loss"].tolist()).double(), seen)
        numbers = recorded["number"].dropna()
        assert numbers.is_monotonic_increasing, "values were logged to the wrong steps"

    def hogwild(self) -> None:
        net = nn.Linear(12, 1).to(self.device)  # whose gradient does not depend on its weights
        x = torch.randn(16, 12, device=self.device)
        net(x).sum().backward()  # gradients that stay where they are, as Hogwild needs
        optimizers = [torch.optim.SGD(net.parameters(), lr=1e-4) for _ in range(2)]
        runs = [
            lrwatch.watch(one, dir=self.folder, name="hogwild", alerts=None) for one in optimizers
        ]
        counts = [0, 0]

        def work(k: int) -> None:
            while self.is_on() or counts[k] < FEWEST:
                optimizers[k].zero_grad(set_to_none=False)
                net(x).sum().backward()
                optimizers[k].step()
                counts[k] += 1

        together([lambda: work(0), lambda: work(1)], self.errors)
        for run, count in zip(runs, counts, strict=True):
            run.finish()
            assert len(lrwatch.read(run.path)) == count, "a step of Hogwild is missing"


def together(parts: list[Callable[[], None]], errors: list[str]) -> None:
    """Run each on a thread of its own, to its end."""

    def guarded(part: Callable[[], None]) -> None:
        try:
            part()
        except BaseException:  # noqa: BLE001  to be told by the main thread
            errors.append(traceback.format_exc())

    threads = [threading.Thread(target=guarded, args=[part]) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def storm(folder: Path, device: str, seconds: float) -> int:
    """Run the storm; returns the number of steps that were checked."""
    it = Storm(folder, device, seconds)
    it.run()
    return it.n_steps


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--device", default="cpu")
    options = parser.parse_args()
    faulthandler.enable()
    torch.set_num_threads(1)
    sys.setswitchinterval(1e-4)  # a fiftieth of the usual: threads come between each other
    with tempfile.TemporaryDirectory() as folder:
        n_steps = storm(Path(folder), options.device, options.seconds)
    sys.stdout.write(f"{n_steps} steps recorded as they were seen\n")


if __name__ == "__main__":
    main()
