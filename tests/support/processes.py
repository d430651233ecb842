"""Run the command line as a user does: in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

__all__ = ["lrwatch_command", "ran", "started"]

PATIENCE_SECONDS = 240.0


def lrwatch_command(*arguments: str | Path) -> list[str]:
    """Return the command line of ``lrwatch``."""
    return [sys.executable, "-m", "lrwatch", *map(str, arguments)]


def ran(
    *arguments: str | Path, cwd: Path | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        lrwatch_command(*arguments),
        check=False,
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
        cwd=cwd,
        env=_environment(environment),
    )


@contextmanager
def started(
    *arguments: str | Path, cwd: Path | None = None, **environment: str
) -> Iterator[subprocess.Popen[str]]:
    """Start a command, and kill it with its children if a test leaves it running."""
    streams: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(
        lrwatch_command(*arguments),
        text=True,
        cwd=cwd,
        env=_environment(environment),
        start_new_session=True,
        **streams,
    ) as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, 9)


def _environment(changes: dict[str, str]) -> dict[str, str]:
    # A folder of a test is no place to find the project in.
    known = {
        "PYTHONPATH": os.pathsep.join(sys.path),
        "OMP_NUM_THREADS": "1",
        "LRWATCH_CACHE_DIR": "",  # nothing of a test is remembered for the next
    }
    return {**os.environ, **known, **changes}
