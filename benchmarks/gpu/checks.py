"""Is what is recorded on a device right, and does watching leave trainings as they were?"""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import torch
from gpu.jobs import Job, Shape
from torch import Tensor, nn

import lrwatch

__all__ = ["compiled", "graphed_callables", "storm", "truth", "whole_step_graph"]

_STORM = Path(__file__).parents[2] / "tests" / "support" / "thread_storm.py"


def truth(shape: Shape, device: str, folder: Path) -> dict[str, dict[str, float]]:
    """Return the largest relative error of each number, by kind of loop."""
    result = {}
    for kind in ("float32", "bfloat16 net", "fp16 scaler", "fp16 scaler, fused"):
        for clip in (None, 0.1):
            name = kind + (", clipped" if clip else "")
            result[name] = _errors(shape, device, folder, kind, clip)
    return result


def _errors(
    shape: Shape, device: str, folder: Path, kind: str, clip: float | None
) -> dict[str, float]:
    is_scaled = "scaler" in kind
    job = Job(shape, device, fused="fused" in kind or not is_scaled)
    if kind == "bfloat16 net":
        job.net.to(torch.bfloat16)
    job.watch(folder)
    scaler = torch.amp.GradScaler(device, init_scale=1024.0, enabled=is_scaled)
    seen: dict[str, list[float]] = {
        name: [] for name in ("loss", "grad_norm", "grad_norm_clipped", "update_norm", "param_norm")
    }
    parameters = list(job.net.parameters())
    for _ in range(15):
        loss = job.loss()
        scaler.scale(loss).backward()
        scale = scaler.get_scale() if is_scaled else 1.0
        norm = _norm([p.grad for p in parameters]) / scale
        if clip is not None:
            scaler.unscale_(job.optimizer)
            nn.utils.clip_grad_norm_(parameters, clip)
        before = [p.detach().clone() for p in parameters]
        scaler.step(job.optimizer)
        scaler.update()
        changes = [
            p.detach().double() - b.double() for p, b in zip(parameters, before, strict=True)
        ]
        values = (loss.item(), norm, norm if clip is None else min(norm, clip), _norm(changes))
        for name, value in zip(seen, (*values, _norm(parameters)), strict=True):
            seen[name].append(value)
        job.optimizer.zero_grad()
    job.finish()
    assert job.run is not None
    frame = lrwatch.read(job.run.path)
    return {
        name: max(abs(a - b) / max(abs(b), 1e-12) for a, b in zip(frame[name], true, strict=True))
        for name, true in seen.items()
    }


def _norm(tensors: list[Any]) -> float:
    return math.sqrt(sum(float(t.detach().double().square().sum()) for t in tensors))


def whole_step_graph(shape: Shape, device: str, folder: Path) -> dict[str, Any]:
    """Capture forward, backward and step into one graph, and replay it."""

    def train(job: Job) -> list[Tensor]:
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            losses = [_fixed_step(job).clone() for _ in range(3)]
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            loss = _fixed_step(job)
        for _ in range(20):
            graph.replay()
            losses.append(loss.clone())
        losses += [_fixed_step(job).clone() for _ in range(2)]
        return losses

    plain = train(Job(shape, device, capturable=True))
    job = Job(shape, device, capturable=True).watch(folder)
    watched = train(job)
    return {**_compared(plain, watched, job), "rows expected": 5}


def _fixed_step(job: Job) -> Tensor:
    job.n = 0
    job.optimizer.zero_grad(set_to_none=True)
    loss = job.loss()
    loss.backward()
    job.optimizer.step()
    return loss.detach()


def graphed_callables(shape: Shape, device: str, folder: Path) -> dict[str, Any]:
    """Train a net whose forward and backward are graphs, with an optimizer that is not."""

    def train(job: Job) -> list[Tensor]:
        job.net = torch.cuda.make_graphed_callables(job.net, (job.x[0].clone(),))
        losses = []
        for _ in range(20):
            loss = nn.functional.cross_entropy(job.net(job.x[0]).flatten(0, -2), job.y[0].flatten())
            loss.backward()
            job.optimizer.step()
            job.optimizer.zero_grad(set_to_none=True)
            losses.append(loss.detach().clone())
        return losses

    plain = train(Job(shape, device))
    job = Job(shape, device).watch(folder)
    return {**_compared(plain, train(job), job), "rows expected": 20}


def compiled(shape: Shape, device: str, folder: Path) -> dict[str, Any]:
    """Train a net that is compiled with ``mode="reduce-overhead"``."""

    def train(job: Job) -> list[Tensor]:
        job.net = torch.compile(job.net, mode="reduce-overhead")  # type: ignore[assignment]
        return [job.step().clone() for _ in range(20)]

    plain = train(Job(shape, device))
    job = Job(shape, device).watch(folder)
    return {**_compared(plain, train(job), job), "rows expected": 20}


def _compared(plain: list[Tensor], watched: list[Tensor], job: Job) -> dict[str, Any]:
    job.finish()
    assert job.run is not None
    frame = lrwatch.read(job.run.path)
    a, b = torch.stack(plain).double(), torch.stack(watched).double()
    result: dict[str, Any] = {
        "training is the same": bool(torch.allclose(a, b, rtol=1e-3)),
        "largest difference": float((a - b).abs().max()),
        "rows": len(frame),
        "rows without norm": int(frame["grad_norm"].isna().sum()),
    }
    if len(frame) == len(watched):
        recorded = torch.tensor(frame["loss"].tolist(), dtype=torch.float64)
        result["largest error of the loss"] = float((recorded - b.cpu()).abs().max())
    return result


def storm(device: str, seconds: float) -> dict[str, Any]:
    """Train on many threads, in a process of its own: it might die."""
    command = [sys.executable, str(_STORM), "--device", device, "--seconds", str(seconds)]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=120)
    return {"status": done.returncode, "said": (done.stdout + done.stderr[-1500:]).strip()}
