"""One writer a folder: a lock file that needs no lock daemon, so it works on shared folders.

The lock, ``writer.lock`` in a run, names the host and the process that writes. A lock whose
process is gone on this host is taken over; one of another host only when nothing was written
for a while.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
from pathlib import Path

from lrwatch.errors import RunBusy

__all__ = ["Ownership", "writer_is_gone"]

_LOCK = "writer.lock"
_ABANDONED_SECONDS = 600.0

_OURS: set[Path] = set()
"""Locks that this process holds. A lock that names it and is none of them was left by another
process with its number: in a container, where every first process is number 1, say."""


class Ownership:
    """Holds the right to write a folder until `release`.

    Parameters
    ----------
    folder
        Folder of a run, or of anything else that one process writes.
    lock
        Name of the lock file in it.
    otherwise
        What to do if another process holds it, for the message of the error.

    Raises
    ------
    RunBusy
        If another process holds it.
    OSError
        If the folder cannot be written.
    """

    def __init__(
        self,
        folder: Path,
        lock: str = _LOCK,
        *,
        otherwise: str = "end that process, or record under another name",
    ) -> None:
        self._lock = (folder / lock).absolute()
        try:
            self._claim()
        except FileExistsError:
            self._take_over(folder, otherwise)
        _OURS.add(self._lock)

    def release(self) -> None:
        """Give the right back; once is enough, twice does nothing."""
        _OURS.discard(self._lock)
        with contextlib.suppress(OSError):
            self._lock.unlink(missing_ok=True)

    def _claim(self) -> None:
        with self._lock.open("x", encoding="utf-8") as file:
            json.dump({"host": socket.gethostname(), "pid": os.getpid()}, file)

    def _take_over(self, folder: Path, otherwise: str) -> None:
        holder = _holder(self._lock)
        if holder is not None and self._is_held(*holder, folder):
            raise RunBusy(
                f"{folder} is being written by process {holder[1]} on {holder[0]}: {otherwise}"
            )
        self._lock.unlink(missing_ok=True)
        try:
            self._claim()
        except FileExistsError as error:
            raise RunBusy(f"{folder} was just taken by another process") from error

    def _is_held(self, host: str, pid: int, folder: Path) -> bool:
        if host != socket.gethostname():
            newest = max((p.stat().st_mtime for p in folder.iterdir()), default=0.0)
            return time.time() - newest < _ABANDONED_SECONDS
        if pid == os.getpid():
            return self._lock in _OURS
        return _is_alive(pid)


def writer_is_gone(run: Path) -> bool:
    """Tell whether the process that wrote a run is known to be gone without closing it.

    Only of processes of this host that can be known.
    """
    holder = _holder(run / _LOCK)
    return holder is not None and holder[0] == socket.gethostname() and not _is_alive(holder[1])


def _holder(lock: Path) -> tuple[str, int] | None:
    try:
        content = json.loads(lock.read_bytes())
        return str(content["host"]), int(content["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None  # killed while it wrote the lock, or damaged


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
