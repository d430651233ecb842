"""One writer a folder: a lock file that needs no lock daemon, so it works on shared folders.

The lock, ``writer.lock`` in a run, names the host and the process that writes, and when that
process started, as its number may be another's later. A lock whose process is gone on this host
is taken over; one of another host only when nothing was written for a while.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
import uuid
from pathlib import Path
from typing import Final, NamedTuple

from lrwatch.errors import RunBusy
from lrwatch.plain_files import open_plain

__all__ = ["Ownership", "is_lock", "writer_is_gone"]

_LOCK = "writer.lock"
_ABANDONED_SECONDS = 600.0
_MOST_BYTES = 10_000  # of a lock, many times what one has

_PROCESSES: Final = Path("/proc")  # of Linux; elsewhere a process is known by its number alone
_START_FIELD: Final = 22

_OURS: set[Path] = set()
"""Locks that this process holds. A lock that names it and is none of them was left by another
process with its number: in a container, where every first process is number 1, say."""


class _Holder(NamedTuple):
    host: str
    pid: int
    started: str  # empty where it is not known

    def is_alive(self) -> bool:
        """Return whether the process, one of this host, is there and still the same."""
        try:
            os.kill(self.pid, 0)
        except (ProcessLookupError, OverflowError):
            return False
        except PermissionError:
            pass
        now = _started(self.pid)
        return not self.started or not now or self.started == now


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
        ours = _Holder(socket.gethostname(), os.getpid(), _started(os.getpid()))
        self._content = json.dumps({**ours._asdict(), "id": uuid.uuid4().hex}).encode()
        try:
            self._claim()
        except FileExistsError:
            self._take_over(folder, otherwise)
        _OURS.add(self._lock)

    def release(self) -> None:
        """Give the right back; once is enough, twice does nothing.

        A lock that another process has taken over meanwhile stays.
        """
        _OURS.discard(self._lock)
        if _read(self._lock) == self._content:
            with contextlib.suppress(OSError):
                self._lock.unlink(missing_ok=True)

    def _claim(self) -> None:
        with self._lock.open("xb") as file:
            file.write(self._content)

    def _take_over(self, folder: Path, otherwise: str) -> None:
        found = _read(self._lock)
        holder = _holder(found)
        if holder is not None and self._is_held(holder, folder):
            raise RunBusy(
                f"{folder} is being written by process {holder.pid} on {holder.host}: {otherwise}"
            )
        try:
            self._remove(found)
            self._claim()
        except FileExistsError as error:
            raise RunBusy(f"{folder} was just taken by another process") from error

    def _remove(self, stale: bytes | None) -> None:
        """Remove the lock if it is still the stale one.

        Another process may have taken it over since it was read, so it is moved aside, which only
        one process can do, looked at again, and put back if it is another one's.
        """
        aside = self._lock.with_name(f"{self._lock.name}.{uuid.uuid4().hex}.stale")
        try:
            self._lock.rename(aside)
        except FileNotFoundError:
            return  # its holder has just given it back, or another process has moved it aside
        try:
            moved = _read(aside)
            if moved is not None and moved != stale:
                with self._lock.open("xb") as file:
                    file.write(moved)
                raise FileExistsError(self._lock)
        finally:
            aside.unlink(missing_ok=True)

    def _is_held(self, holder: _Holder, folder: Path) -> bool:
        if holder.host != socket.gethostname():
            newest = max((p.stat().st_mtime for p in folder.iterdir()), default=0.0)
            return time.time() - newest < _ABANDONED_SECONDS
        if holder.pid == os.getpid():
            return self._lock in _OURS
        return holder.is_alive()


def is_lock(name: str) -> bool:
    """Tell the file of a run's lock, or what is left of taking one over, by its name."""
    return name == _LOCK or (name.startswith(_LOCK) and name.endswith(".stale"))


def writer_is_gone(run: Path) -> bool:
    """Tell whether the process that wrote a run is known to be gone without closing it.

    Only of processes of this host that can be known.
    """
    holder = _holder(_read(run / _LOCK))
    return holder is not None and holder.host == socket.gethostname() and not holder.is_alive()


def _read(lock: Path) -> bytes | None:
    """Return what a lock says; ``None`` if it is not there, or is something else."""
    try:
        with os.fdopen(open_plain(lock), "rb") as file:
            return file.read(_MOST_BYTES)
    except OSError:
        return None


def _holder(content: bytes | None) -> _Holder | None:
    try:
        said = json.loads(content or b"")
        return _Holder(str(said["host"]), int(said["pid"]), str(said.get("started", "")))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError):
        return None  # killed while it wrote the lock, or damaged


def _started(pid: int) -> str:
    """Return what tells a process from a later one with its number; empty where it is not known."""
    try:
        boot = (_PROCESSES / "sys/kernel/random/boot_id").read_text().strip()
        # The second field is the program's name in brackets, and may hold blanks and brackets.
        fields = (_PROCESSES / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2]
        return f"{boot} {fields.split()[_START_FIELD - 3]}"
    except (OSError, IndexError):
        return ""
