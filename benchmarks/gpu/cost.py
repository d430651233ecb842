"""What watching costs on a device: time, launches, calls that wait, memory."""

from __future__ import annotations

import itertools
import statistics
import time
import warnings
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from gpu.jobs import Job, Shape

__all__ = ["added_memory", "launches", "ratios", "waits"]

_LAUNCHES = ("cudaLaunchKernel", "cudaLaunchKernelExC", "cuLaunchKernel", "cuLaunchKernelEx")
_COPIES = ("cudaMemcpyAsync", "cudaMemsetAsync")


def ratios(
    jobs: Mapping[str, Shape], device: str, folder: Path, seconds: float
) -> dict[str, dict[str, float]]:
    """Return what each arm adds to a step of its job, in percent, in blocks that take turns."""
    result = {}
    for (name, shape), clip in itertools.product(jobs.items(), (None, 1.0)):
        arms = _arms(shape, device, clip, folder)
        laps = _laps(arms, device, seconds / (2 * len(jobs)))
        plain = laps["plain"]
        numbers = {"plain ms": 1e3 * statistics.median(plain), "rounds": float(len(plain))}
        for arm, times in laps.items():
            quotients = [a / b for a, b in zip(times, plain, strict=True)]
            if arm != "plain":
                numbers[f"{arm} %"] = 100 * (statistics.median(quotients) - 1)
        result[name + (", clipped" if clip else "")] = numbers
        del arms
    return result


def _arms(
    shape: Shape, device: str, clip: float | None, folder: Path
) -> dict[str, Callable[[], object]]:
    arms: dict[str, Callable[[], object]] = {
        "plain": Job(shape, device, clip=clip).step,
        "watched": Job(shape, device, clip=clip).watch(folder).step,
    }
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError:
        return arms
    job, writer = Job(shape, device, clip=clip), SummaryWriter(str(folder / "tensorboard"))

    def with_tensorboard() -> None:
        loss = job.loss()
        loss.backward()
        parameters = list(job.net.parameters())
        if clip is None:
            norm = torch.nn.utils.get_total_norm([p.grad for p in parameters if p.grad is not None])
        else:
            norm = torch.nn.utils.clip_grad_norm_(parameters, clip)
        job.optimizer.step()
        job.optimizer.zero_grad(set_to_none=True)
        writer.add_scalar("loss", loss.item(), job.n)
        writer.add_scalar("grad_norm", norm.item(), job.n)
        writer.add_scalar("lr", job.optimizer.param_groups[0]["lr"], job.n)

    arms["tensorboard"] = with_tensorboard
    return arms


def _laps(
    arms: Mapping[str, Callable[[], object]], device: str, seconds: float
) -> dict[str, list[float]]:
    for step in arms.values():
        _timed(step, 25, device)  # past the first steps, which are all sampled
    n_steps = max(10, int(0.1 / _timed(arms["plain"], 10, device)))
    laps: dict[str, list[float]] = {name: [] for name in arms}
    end = time.monotonic() + seconds
    for k in itertools.count():
        names = list(arms)[k % len(arms) :] + list(arms)[: k % len(arms)]
        for name in names:
            laps[name].append(_timed(arms[name], n_steps, device))
        if time.monotonic() > end and k >= 2:
            return laps
    return laps


def _timed(step: Callable[[], object], n_steps: int, device: str) -> float:
    _wait(device)
    begin = time.perf_counter()
    for _ in range(n_steps):
        step()
    _wait(device)
    return (time.perf_counter() - begin) / n_steps


def _wait(device: str) -> None:
    if device == "cuda":
        torch.cuda.synchronize()


def launches(jobs: Mapping[str, Shape], device: str, folder: Path) -> dict[str, dict[str, float]]:
    """Return kernels launched and copies begun a step, and aten operations, by job."""
    result: dict[str, dict[str, float]] = {}
    for (name, shape), clip in itertools.product(jobs.items(), (None, 1.0)):
        numbers = result[name + (", clipped" if clip else "")] = {}
        for arm in ("plain", "watched"):
            job = Job(shape, device, clip=clip)
            if arm == "watched":
                job.watch(folder)
            for _ in range(25):
                job.step()
            counts = _counts(job, 10)
            for kind, names in (("launches", _LAUNCHES), ("copies", _COPIES)):
                numbers[f"{kind}, {arm}"] = sum(counts[one] for one in names) / 10
            n_operations = sum(n for one, n in counts.items() if one.startswith("aten::"))
            numbers[f"aten operations, {arm}"] = n_operations / 10
            job.finish()
    return result


def _counts(job: Job, n_steps: int) -> Counter[str]:
    activities = [torch.profiler.ProfilerActivity.CPU]
    if job.device == "cuda":
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    _wait(job.device)
    with torch.profiler.profile(activities=activities) as profile:
        for _ in range(n_steps):
            job.step()
        _wait(job.device)
    return Counter(event.name for event in profile.events())


def waits(jobs: Mapping[str, Shape], device: str, folder: Path) -> dict[str, Any]:
    """Return the calls within 60 watched steps, as torch knows them, that wait for the device."""
    found: dict[str, Any] = {}
    for name, shape in jobs.items():
        job = Job(shape, device, clip=1.0).watch(folder)
        job.step()
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            torch.cuda.set_sync_debug_mode("warn")
            try:
                for _ in range(60):
                    job.step()
            finally:
                torch.cuda.set_sync_debug_mode("default")
        texts = [f"{one.filename}:{one.lineno}" for one in caught if "synchron" in str(one.message)]
        found[name] = dict(Counter(texts))
        job.finish()
    return found


def added_memory(
    jobs: Mapping[str, Shape], device: str, folder: Path
) -> dict[str, dict[str, float]]:
    """Return the peak memory of 45 steps, plain and watched, in MiB."""
    result = {}
    for name, shape in jobs.items():
        numbers: dict[str, float] = {}
        for arm in ("plain", "watched"):
            job = Job(shape, device)
            if arm == "watched":
                job.watch(folder)
            size = sum(p.numel() * p.element_size() for p in job.net.parameters()) / 2**20
            torch.cuda.synchronize()
            torch.cuda.reset_peak_memory_stats()
            for _ in range(45):
                job.step()
            torch.cuda.synchronize()
            numbers[f"peak, {arm}"] = torch.cuda.max_memory_allocated() / 2**20
            job.finish()
            del job
            torch.cuda.empty_cache()
        numbers["parameters"] = size
        numbers["added"] = numbers["peak, watched"] - numbers["peak, plain"]
        result[name] = numbers
    return result
