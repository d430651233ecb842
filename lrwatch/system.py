"""The one door to what not every operating system has, with another way for those that lack it.

Linux, macOS and the BSDs write at an offset in one call, rename and delete files that somebody has
open, fork, and replace a process by another one. Windows does none of that. What is chosen here
is chosen once, when this module is loaded: a step of a training costs no question.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

__all__ = [
    "BINARY",
    "MOVES_OPEN_FILES",
    "NEW_FILE",
    "allocated",
    "become",
    "in_forked_child",
    "is_running",
    "is_still",
    "move",
    "new_lock",
    "patiently",
    "process_mark",
    "read_at",
    "remove",
    "sync",
    "user_name",
    "write_at",
]

F = TypeVar("F", bound=Callable[[], object])
T = TypeVar("T")

_IS_WINDOWS: Final = sys.platform == "win32"

MOVES_OPEN_FILES: Final = not _IS_WINDOWS
"""Whether a file that is open can be renamed, replaced and deleted."""

BINARY: Final = getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
"""Flags of `os.open` for a file of bytes that no process started from here inherits."""

NEW_FILE: Final = os.O_CREAT | os.O_EXCL | os.O_RDWR | BINARY
"""Flags of `os.open` for a file that must not be there yet."""

_TRIES: Final = 20
_PAUSE_SECONDS: Final = 0.02  # between tries on a file that somebody reads just now

_seeking = threading.Lock()


def _seek_and_write(file: int, data: bytes | bytearray | memoryview, offset: int, /) -> int:
    with _seeking:
        os.lseek(file, offset, os.SEEK_SET)
        return os.write(file, data)


def _seek_and_read(file: int, n_bytes: int, offset: int, /) -> bytes:
    with _seeking:
        os.lseek(file, offset, os.SEEK_SET)
        return os.read(file, n_bytes)


write_at: Final[Callable[[int, bytes | bytearray | memoryview, int], int]] = getattr(
    os, "pwrite", _seek_and_write
)
"""Write bytes at an offset of an open file; returns how many were written, as `os.pwrite`."""

read_at: Final[Callable[[int, int, int], bytes]] = getattr(os, "pread", _seek_and_read)
"""Read so many bytes from an offset of an open file on, as `os.pread`."""


def in_forked_child(callback: F) -> F:
    """Have `callback` called in every forked child, where there is such a thing."""
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=callback)
    return callback


_locks: weakref.WeakSet[Any] = weakref.WeakSet()


def new_lock() -> threading.RLock:
    """Return a lock that a forked child finds open: the thread that held it is not there.

    Its thread may take it again, as the garbage collector may run within.
    """
    lock = threading.RLock()
    _locks.add(lock)
    return lock


def is_held_here(lock: threading.RLock) -> bool:
    """Tell whether this thread holds a lock of `new_lock`.

    If whoever asks does not know of it, it is a signal handler, called amid what is guarded.
    """
    return bool(lock._is_owned())  # type: ignore[attr-defined]  # noqa: SLF001  as `Condition` asks


@in_forked_child
def _open_locks() -> None:
    for lock in list(_locks):
        lock._at_fork_reinit()  # noqa: SLF001  as the standard library does with its own


def patiently(call: Callable[[], T]) -> T:
    """Call what Windows refuses while somebody else has the file, again and again for a moment.

    Raises
    ------
    OSError
        As the last call did.
    """
    for _ in range(0 if MOVES_OPEN_FILES else _TRIES):
        with contextlib.suppress(PermissionError):
            return call()
        time.sleep(_PAUSE_SECONDS)
    return call()


def move(source: Path, target: Path) -> None:
    """Rename a file, over another one if there is one.

    Where readers stand in the way, as on Windows, they are given a moment.

    Raises
    ------
    OSError
        If it cannot be done; both files are then as they were.
    """
    patiently(lambda: source.replace(target))


def remove(path: Path) -> None:
    """Delete a file that is needed no more, if it is there.

    Where somebody who reads it stands in the way, as on Windows, it stays.

    Raises
    ------
    OSError
        If it cannot be deleted for another reason.
    """
    try:
        path.unlink(missing_ok=True)
    except PermissionError:
        if MOVES_OPEN_FILES:
            raise


def sync(path: Path) -> None:
    """Bring what was written into a file to the disk.

    Raises
    ------
    OSError
        If it cannot be opened, or the disk refuses.
    """
    # Windows lets only those who may write do so.
    file = os.open(path, (os.O_RDONLY if MOVES_OPEN_FILES else os.O_RDWR) | BINARY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def allocated(found: os.stat_result) -> int:
    """Return how many bytes a file may grow to without a further block of the disk."""
    blocks = getattr(found, "st_blocks", None)
    return found.st_size if blocks is None else blocks * 512


def become(program: str, arguments: Sequence[str], environment: Mapping[str, str]) -> int:
    """Replace this process by a program; where that cannot be, run it and return its status."""
    if not _IS_WINDOWS:
        os.execve(program, list(arguments), environment)  # noqa: S606  no shell
    process = subprocess.Popen([program, *arguments[1:]], env=environment)  # noqa: S603
    while True:
        with contextlib.suppress(KeyboardInterrupt):  # which the program has got as well
            return process.wait()


def is_running(pid: int) -> bool:
    """Tell whether there is a process of this number; where that cannot be known, it is."""
    if _IS_WINDOWS:
        return _asked_of_windows(pid, lambda *_: "", "") is not None
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def process_mark(pid: int) -> str:
    """Return what tells a process from a later one with its number; empty where it is not known."""
    if _IS_WINDOWS:
        return _asked_of_windows(pid, _creation_time, "") or ""
    return _mark_of_linux(pid) if sys.platform.startswith("linux") else _mark_of_ps(pid)


def is_still(pid: int, mark: str) -> bool:
    """Tell whether the process of this number is there, and the one that had this mark."""
    if not is_running(pid):
        return False
    now = process_mark(pid)
    return not mark or not now or mark == now


_PROCESSES: Final = Path("/proc")
_START_FIELD: Final = 22


def _mark_of_linux(pid: int) -> str:
    try:
        boot = (_PROCESSES / "sys/kernel/random/boot_id").read_text().strip()
        # The second field is the program's name in brackets, and may hold blanks and brackets.
        fields = (_PROCESSES / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2]
        return f"{boot} {fields.split()[_START_FIELD - 3]}"
    except (OSError, IndexError):
        return ""


_PLAIN: Final = {"LC_ALL": "C", "TZ": "UTC"}


def _mark_of_ps(pid: int) -> str:
    """Return when a process began, as the program says that every other Unix has."""
    try:
        said = subprocess.run(  # noqa: S603  no shell
            ["/bin/ps", "-o", "lstart=", "-p", str(pid)],
            capture_output=True, check=False, timeout=5, text=True, env=_PLAIN,
        )  # fmt: skip
    except (OSError, ValueError, subprocess.SubprocessError):
        return ""
    return said.stdout.strip()


_QUERY: Final = 0x1000  # PROCESS_QUERY_LIMITED_INFORMATION
_STILL_ACTIVE: Final = 259
_NO_SUCH_PROCESS: Final = 87  # ERROR_INVALID_PARAMETER


def _asked_of_windows(pid: int, question: Callable[[Any, Any], str], unknown: str) -> str | None:
    """Return what a process that runs answers; ``None`` if it does not run.

    `os.kill` with the signal 0 would not ask there: it would send a Ctrl-C.
    """
    try:
        import ctypes

        kernel = ctypes.WinDLL("kernel32", use_last_error=True)  # type: ignore[attr-defined]
        kernel.OpenProcess.restype = ctypes.c_void_p  # 64 bits, where an int would be cut
        number = kernel.OpenProcess(_QUERY, 0, pid)
        handle = ctypes.c_void_p(number)
        if not number:
            is_gone = ctypes.get_last_error() == _NO_SUCH_PROCESS  # type: ignore[attr-defined]
            return None if is_gone else unknown
        try:
            status = ctypes.c_ulong()
            kernel.GetExitCodeProcess(handle, ctypes.byref(status))
            return question(kernel, handle) if status.value == _STILL_ACTIVE else None
        finally:
            kernel.CloseHandle(handle)
    except (ImportError, AttributeError, OSError, ValueError):
        return unknown


def _creation_time(kernel: Any, handle: Any) -> str:
    import ctypes

    times = [ctypes.c_ulonglong() for _ in range(4)]
    kernel.GetProcessTimes(handle, *map(ctypes.byref, times))
    return str(times[0].value)


def user_name() -> str:
    """Return what this user is called; empty where there is no name, or no way to ask."""
    import getpass

    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return ""
