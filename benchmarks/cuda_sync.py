"""On a CUDA device: does watching wait for the device, is it right, and what does it cost?

    python benchmarks/cuda_sync.py

Counts, with torch's profiler, the synchronising calls of plain and of watched steps; holds the
recorded norms against norms computed beside; times both loops, alternating.
"""

from __future__ import annotations

import collections
import statistics
import sys
import tempfile
import time

import torch
from step_overhead import Transformer
from torch import nn

import lrwatch

WAITING = ("cudaStreamSynchronize", "cudaDeviceSynchronize", "cudaEventSynchronize", "cudaMemcpy")


class Job:
    def __init__(self, folder: str | None, clip: float | None, dtype: torch.dtype) -> None:
        torch.manual_seed(0)
        self.net = Transformer().cuda()
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=3e-4)
        self.x = torch.randint(0, 256, (64, 8, 129), device="cuda")
        self.clip, self.dtype, self.n = clip, dtype, 0
        self.run = None
        if folder:
            self.run = lrwatch.watch(self.optimizer, dir=folder)

    def step(self) -> torch.Tensor:
        x = self.x[self.n % 64]
        with torch.autocast("cuda", self.dtype, enabled=self.dtype is not torch.float32):
            logits = self.net(x[:, :-1])
            loss = nn.functional.cross_entropy(logits.flatten(0, 1).float(), x[:, 1:].flatten())
        loss.backward()
        if self.clip is not None:
            nn.utils.clip_grad_norm_(self.net.parameters(), self.clip)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        self.n += 1
        return loss.detach()


def waits(job: Job, n_steps: int = 40) -> dict[str, int]:
    activities = [torch.profiler.ProfilerActivity.CPU, torch.profiler.ProfilerActivity.CUDA]
    torch.cuda.synchronize()
    with torch.profiler.profile(activities=activities) as profile:
        for _ in range(n_steps):
            job.step()
    counts: collections.Counter[str] = collections.Counter()
    for event in profile.events():
        if event.name in WAITING:
            counts[event.name] += 1
    return dict(counts)


def check_numbers(folder: str) -> None:
    job = Job(folder, None, torch.float32)
    truth = []
    for i in range(12):
        x = job.x[i]
        loss = nn.functional.cross_entropy(job.net(x[:, :-1]).flatten(0, 1), x[:, 1:].flatten())
        loss.backward()
        grads = [p.grad for p in job.net.parameters()]
        norm = torch.nn.utils.get_total_norm(grads).item()
        before = [p.detach().clone() for p in job.net.parameters()]
        job.optimizer.step()
        change = [p.detach() - b for p, b in zip(job.net.parameters(), before, strict=True)]
        truth.append((loss.item(), norm, torch.nn.utils.get_total_norm(change).item()))
        job.optimizer.zero_grad()
    job.run.finish()
    frame = lrwatch.read(job.run.path)
    worst = [
        max(abs(a / t[i] - 1) for a, t in zip(frame[name], truth, strict=True))
        for i, name in enumerate(["loss", "grad_norm", "update_norm"])
    ]
    print(
        "largest relative error of loss, gradient norm, update norm:", [f"{w:.1e}" for w in worst]
    )
    assert max(worst) < 1e-3, worst


def ratio(folder: str, clip: float | None, dtype: torch.dtype) -> None:
    jobs = {"plain": Job(None, clip, dtype), "lrwatch": Job(folder, clip, dtype)}
    times: dict[str, list[float]] = {name: [] for name in jobs}
    for i in range(24):
        for name in sorted(jobs, reverse=bool(i % 2)):
            torch.cuda.synchronize()
            begin = time.perf_counter()
            for _ in range(50):
                jobs[name].step()
            torch.cuda.synchronize()
            times[name].append((time.perf_counter() - begin) / 50)
    quotients = [a / b for a, b in zip(times["lrwatch"][4:], times["plain"][4:], strict=True)]
    print(
        f"{dtype} clip={clip}: plain {statistics.median(times['plain'][4:]) * 1e3:.2f} ms a step, "
        f"watched {100 * (statistics.median(quotients) - 1):+.1f} %"
    )
    jobs["lrwatch"].run.finish()


def main() -> None:
    if not torch.cuda.is_available():
        print("no CUDA device: what this measures is unchecked here")
        return
    print(
        torch.cuda.get_device_name(), "torch", torch.__version__, "python", sys.version.split()[0]
    )
    with tempfile.TemporaryDirectory() as folder:
        check_numbers(folder)
        for clip in (None, 1.0):
            plain, watched = Job(None, clip, torch.float32), Job(folder, clip, torch.float32)
            for _ in range(30):
                plain.step(), watched.step()
            print(f"clip={clip}, calls that wait in 40 steps: plain {waits(plain)}")
            print(f"clip={clip}, calls that wait in 40 steps: watched {waits(watched)}")
            watched.run.finish()
        for clip in (None, 1.0):
            for dtype in (torch.float32, torch.bfloat16):
                ratio(folder, clip, dtype)


if __name__ == "__main__":
    main()
