"""Several processes that train together over gloo, on this machine."""

from __future__ import annotations

import os
import socket
import sys
from pathlib import Path
from subprocess import PIPE, Popen
from typing import NamedTuple


class Ended(NamedTuple):
    """A process that has ended."""

    status: int
    output: str
    errors: str


def launch(script: Path, *arguments: str, n: int = 2) -> list[Ended]:
    """Run a script in `n` processes that meet, and wait for them; of a hang, `TimeoutExpired`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {
        **os.environ,
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(n),
        "OMP_NUM_THREADS": "1",
        "LRWATCH_NO_GIT": "1",
    }
    processes = [
        Popen(
            [sys.executable, str(script), *arguments],
            stdout=PIPE,
            stderr=PIPE,
            text=True,
            env={**common, "RANK": str(rank), "LOCAL_RANK": str(rank)},
        )
        for rank in range(n)
    ]
    try:
        said = [process.communicate(timeout=180) for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [Ended(p.returncode, *both) for p, both in zip(processes, said, strict=True)]
