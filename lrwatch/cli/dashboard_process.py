"""The dashboard in a process of its own, beside a command that has work to do."""

from __future__ import annotations

import re
import subprocess
import sys
import time
import urllib.request
from http.client import HTTPException
from pathlib import Path
from threading import Thread
from typing import IO, Final, Self

__all__ = ["DashboardProcess"]

_ADDRESS: Final = re.compile(r"http://\S+")
_READY_SECONDS: Final = 60.0
_END_SECONDS: Final = 5.0


class DashboardProcess:
    """``lrwatch dashboard`` on a folder, ended with this context.

    It is started as a command, so that lrwatch imports nothing of its dashboard. What it says
    on standard error goes to the terminal.

    Parameters
    ----------
    port
        Port to listen at; the next free one if it is in use.
    """

    def __init__(self, folder: Path, port: int) -> None:
        command = [sys.executable, "-m", "lrwatch", "dashboard", str(folder), "--port", str(port)]
        self._process = subprocess.Popen(  # noqa: S603  our own program, no shell
            command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
        )
        self._address = ""
        # Read to its end, so that a full pipe never stops the dashboard.
        Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()

    def wait_until_ready(self) -> str:
        """Return the address once pages are served there; empty if it could not start."""
        deadline = time.monotonic() + _READY_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._address and _is_healthy(self._address):
                return self._address
            time.sleep(0.1)
        return ""

    def wait(self) -> None:
        """Wait until it ends, by Ctrl-C as a rule."""
        self._process.wait()

    def _read(self, output: IO[str]) -> None:
        for line in output:
            found = _ADDRESS.search(line)
            if found and not self._address:
                self._address = found[0]


def _is_healthy(address: str) -> bool:
    # Without the environment's proxy, which has no way to this machine's loopback.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"{address.rstrip('/')}/health", timeout=5):
            return True
    except (OSError, HTTPException):  # refused, no answer, or not a status of success
        return False
