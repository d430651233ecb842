"""Run scripts as a user does: by Python itself, and by ``lrwatch run``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

__all__ = ["LOOP", "Ended", "lrwatch_run", "python"]

LOOP = """
import sys
import torch

torch.set_num_threads(1)
torch.manual_seed(0)
net = torch.nn.Linear(4, 1)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
unused = torch.optim.Adam(net.parameters())
losses = []
for step in range(20):
    optimizer.zero_grad()
    loss = net(torch.randn(8, 4)).square().mean()
    loss.backward()
    optimizer.step()
    losses.append(loss.item())
"""
"""A plain training loop of 20 steps."""


@dataclass(frozen=True)
class Ended:
    """How a process ended."""

    status: int
    output: str
    errors: str


def python(*arguments: str, folder: Path, **options: str) -> Ended:
    """Run Python in a folder; `options` are environment variables, and ``stdin`` its input."""
    return _run([], arguments, folder, options)


def lrwatch_run(*arguments: str, folder: Path, **options: str) -> Ended:
    """Run ``lrwatch run`` in a folder."""
    return _run(["-m", "lrwatch", "run"], arguments, folder, options)


def _run(
    program: Sequence[str], arguments: Sequence[str], folder: Path, options: dict[str, str]
) -> Ended:
    given = options.pop("stdin", "")
    root = str(Path(__file__).parents[2])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH")]))
    ended = subprocess.run(
        [sys.executable, *program, *arguments],
        check=False,
        capture_output=True,
        text=True,
        input=given,
        cwd=folder,
        timeout=300,
        env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": path, **options},
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)
