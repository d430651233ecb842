"""One writer a folder: a lock file that needs no lock daemon, so it works on shared folders.

The lock, ``writer.lock`` in a run, names the host and the process that writes, and when that
process started, as its number may be another's later. A lock whose process is gone on this host
is taken over; one of another host only when nothing was written for a while, or when it is of the
same job of Slurm before that was requeued.
"""

from __future__ import annotations

import contextlib
import json
import os
import socket
import time
import uuid
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

import msgspec

from lrwatch.errors import RunBusy
from lrwatch.plain_files import open_plain
from lrwatch.system import is_still, new_lock, patiently, process_mark

__all__ = ["Ownership", "has_writer", "is_lock", "writer_is_gone"]

_LOCK = "writer.lock"
_ABANDONED_SECONDS = 600.0
_MOST_BYTES = 10_000  # of a lock, many times what one has

_OURS: set[Path] = set()
"""Locks that this process holds. A lock that names it and is none of them was left by another
process with its number: in a container, where every first process is number 1, say."""

_one_at_a_time = new_lock()  # from a lock that is made to its place among ours


@dataclass(frozen=True, slots=True)
class _Holder:
    host: str
    pid: int
    started: str = ""  # where it is not known
    job: str = ""  # of Slurm; a requeued one keeps its number
    restarts: int = 0  # of that job, so far

    @classmethod
    def ours(cls) -> Self:
        """Return this process."""
        job = os.environ.get("SLURM_JOB_ID", "")
        named = f"{job} {os.environ.get('SLURM_CLUSTER_NAME', '')}".strip() if job else ""
        restarts = os.environ.get("SLURM_RESTART_COUNT", "")
        n = int(restarts) if restarts.isdecimal() else 0
        pid = os.getpid()
        return cls(socket.gethostname(), pid, process_mark(pid), named, n)

    def was_requeued_as(self, other: _Holder) -> bool:
        """Tell whether this is of a job that has ended, and goes on as another process."""
        return bool(self.job) and self.job == other.job and self.restarts < other.restarts

    def is_alive(self) -> bool:
        """Return whether the process, one of this host, is there and still the same."""
        return is_still(self.pid, self.started)


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
        self._holder = _Holder.ours()
        self._content = json.dumps({**asdict(self._holder), "id": uuid.uuid4().hex}).encode()
        with _one_at_a_time:
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
                patiently(lambda: self._lock.unlink(missing_ok=True))

    def _claim(self) -> None:
        """Make the lock, whole at once: one that says nothing would be taken for a dead one's."""
        whole = self._lock.with_name(f"{self._lock.name}.{uuid.uuid4().hex}.new")
        try:
            whole.write_bytes(self._content)
            os.link(whole, self._lock)
        except FileExistsError:
            raise
        except (OSError, AttributeError, NotImplementedError):  # a folder without links
            with self._lock.open("xb") as file:
                file.write(self._content)
        finally:
            whole.unlink(missing_ok=True)

    def _take_over(self, folder: Path, otherwise: str) -> None:
        found = _read(self._lock)
        holder = _holder(found)
        is_ours = holder is not None and holder.was_requeued_as(self._holder)
        if holder is not None and not is_ours and _is_held(holder, self._lock):
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


def _is_held(holder: _Holder, lock: Path) -> bool:
    if holder.host != socket.gethostname():
        newest = max((p.stat().st_mtime for p in lock.parent.iterdir()), default=0.0)
        return time.time() - newest < _ABANDONED_SECONDS
    if holder.pid == os.getpid():
        return lock in _OURS
    return holder.is_alive()


def is_lock(name: str) -> bool:
    """Tell the file of a run's lock, or what is left of taking one over, by its name."""
    return name == _LOCK or (name.startswith(_LOCK) and name.endswith((".new", ".stale")))


def has_writer(run: Path) -> bool:
    """Tell whether a process, as far as can be known, writes a run now."""
    lock = (run / _LOCK).absolute()
    holder = _holder(_read(lock))
    try:
        return holder is not None and _is_held(holder, lock)
    except OSError:  # the folder is gone
        return False


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
        return msgspec.json.decode(content or b"", type=_Holder)
    except (ValueError, RecursionError):
        return None  # killed while it wrote the lock, or damaged
