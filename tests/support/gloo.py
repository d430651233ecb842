"""Several processes that train together over gloo, on this machine."""

from __future__ import annotations

import socket
from pathlib import Path

from nursery import Ended, Script, forked

__all__ = ["Ended", "launch"]


def launch(script: Path, *arguments: str, n: int = 2) -> list[Ended]:
    """Run a script in `n` processes that meet, and wait for them; of a hang, `TimeoutExpired`."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    common = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "WORLD_SIZE": str(n),
        "OMP_NUM_THREADS": "1",
        "LRWATCH_NO_GIT": "1",
    }
    scripts = [
        Script([str(script), *arguments], {**common, "RANK": str(rank), "LOCAL_RANK": str(rank)})
        for rank in range(n)
    ]
    return forked(*scripts, folder=script.parent)
