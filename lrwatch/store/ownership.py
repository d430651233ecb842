"""One writer a run: a lock file that needs no lock daemon, so it works on shared folders.

``writer.lock`` names the host and the process that writes. A lock whose process is gone on
this host is taken over; one of another host only when nothing was written for a while.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from pathlib import Path

from lrwatch.errors import RunBusy

__all__ = ["Ownership"]

_LOCK = "writer.lock"
_ABANDONED_SECONDS = 600.0


class Ownership:
    """Holds the right to write a run until `release`.

    Raises
    ------
    RunBusy
        If another process holds it.
    OSError
        If the folder cannot be written.
    """

    def __init__(self, run: Path) -> None:
        self._lock = run / _LOCK
        try:
            self._claim()
        except FileExistsError:
            self._take_over(run)

    def release(self) -> None:
        """Give the right back; once is enough, twice does nothing."""
        with contextlib.suppress(OSError):
            self._lock.unlink(missing_ok=True)

    def _claim(self) -> None:
        with self._lock.open("x", encoding="utf-8") as file:
            json.dump({"host": socket.gethostname(), "pid": os.getpid()}, file)

    def _take_over(self, run: Path) -> None:
        holder = self._holder()
        if holder is not None and _is_alive(*holder, run):
            raise RunBusy(
                f"{run} is being written by process {holder[1]} on {holder[0]}: "
                "end that process, or record under another name"
            )
        self._lock.unlink(missing_ok=True)
        try:
            self._claim()
        except FileExistsError as error:
            raise RunBusy(f"{run} was just taken by another process") from error

    def _holder(self) -> tuple[str, int] | None:
        try:
            content = json.loads(self._lock.read_bytes())
            return str(content["host"]), int(content["pid"])
        except (OSError, ValueError, KeyError, TypeError):
            return None  # killed while it wrote the lock, or damaged


def _is_alive(host: str, pid: int, run: Path) -> bool:
    if host != socket.gethostname():
        newest = max((p.stat().st_mtime for p in run.iterdir()), default=0.0)
        return time.time() - newest < _ABANDONED_SECONDS
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
