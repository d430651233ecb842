"""Small files that outlive a kill at any moment: whole, or as they were before."""

from __future__ import annotations

import contextlib
import errno
import functools
import operator
import os
import stat
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import get_ident
from typing import IO, Final

from lrwatch.system import move, patiently

__all__ = [
    "ALERTS_FOLDER",
    "alerts_folder",
    "append_line",
    "locked",
    "made_folder",
    "made_new",
    "open_plain",
    "read_file",
    "refuse_links",
    "remove_unfinished",
    "replace_file",
    "replacing",
    "write_whole",
]

ALERTS_FOLDER: Final = ".lrwatch-alerts"
"""Folder in a store that holds what was sent; the dot keeps it out of the list of runs."""

_MOST_BYTES: Final = 64 * 2**20
"""No file of ours is as large; one that is would fill the memory of everybody who reads it."""

_LEFTOVER_SECONDS: Final = 30.0  # after which a lock was left by a process that was killed
# Windows has no such flags, and reads text by default.
_PLAINLY: Final = functools.reduce(
    operator.or_,
    (getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")),
)


def alerts_folder(store: str | os.PathLike[str]) -> Path:
    """Return the folder of a store that alerts are kept in, whether it is there or not."""
    return Path(store) / ALERTS_FOLDER


def refuse_links(folder: Path) -> None:
    """Refuse a folder that is a symbolic link, or is reached by one within a store's alerts.

    Several people may write in a store, and a link of one of them would turn what is written and
    removed here against the files of another. Where the store itself is, is its owner's business.

    Raises
    ------
    OSError
        If it is one.
    """
    path = [folder, *folder.parents]
    names = [each.name for each in path]
    depth = names.index(ALERTS_FOLDER) + 1 if ALERTS_FOLDER in names else 1
    for each in path[:depth]:
        if each.is_symlink():
            reason = f"{each.name} is a symbolic link and must be a folder"
            raise OSError(errno.ELOOP, reason, str(each))


def made_folder(folder: Path) -> Path:
    """Return a folder of a store's alerts, made where it is missing.

    Raises
    ------
    OSError
        If it cannot be made, or a symbolic link leads to it.
    """
    refuse_links(folder)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def made_new(candidates: Iterable[Path]) -> Path:
    """Make the first of some folders that is not there yet: two processes never make one."""
    for folder in candidates:
        with contextlib.suppress(FileExistsError):
            folder.mkdir()
            return folder
    raise AssertionError


@contextlib.contextmanager
def locked(lock: Path, *, patience: float = 0.0) -> Iterator[None]:
    """Hold a right that everybody needs for milliseconds only, by a file that one process makes.

    `lrwatch.store.ownership` is for who holds a folder for hours, and asks for more.

    Raises
    ------
    BlockingIOError
        If another one has it, for so many seconds.
    OSError
        If the file cannot be made.
    """
    deadline = time.monotonic() + patience
    while True:
        try:
            os.close(os.open(lock, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o666))
            break
        except FileExistsError as error:
            with contextlib.suppress(OSError):
                if time.time() - lock.lstat().st_mtime > _LEFTOVER_SECONDS:
                    lock.unlink()
            if time.monotonic() >= deadline:
                raise BlockingIOError(
                    errno.EAGAIN, f"{lock.name} is there; remove it", str(lock)
                ) from error
        time.sleep(0.002)
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)


def open_plain(path: Path, flags: int = os.O_RDONLY, *, follow: bool = False) -> int:
    """Open a file, never a pipe or a device, which could make everybody wait for ever.

    Nor a symbolic link, unless asked to follow it: what is only read may lie elsewhere.

    Raises
    ------
    OSError
        If it cannot be opened, or is not a plain file.
    """
    links = getattr(os, "O_NOFOLLOW", 0) if follow else 0
    file = patiently(lambda: os.open(path, flags | _PLAINLY & ~links, 0o666))
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise OSError(errno.EINVAL, f"{path.name} is not a plain file", str(path))
    return file


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield where to write a file aside; it is renamed into place afterwards, or removed.

    The leading dot of its name keeps every reader away from it.

    Raises
    ------
    OSError
        If it cannot be renamed; an earlier file is then left as it was.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}-{get_ident()}.tmp")
    try:
        aside.unlink(missing_ok=True)
        yield aside
        move(aside, path)
    except (Exception, KeyboardInterrupt):
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise


def replace_file(path: Path, content: bytes) -> None:
    """Write a file aside and rename it into place; the folder is made where it is missing."""
    made_folder(path.parent)
    write_whole(path, content)


def write_whole(path: Path, content: bytes) -> None:
    """Do the same in a folder that is there."""
    with replacing(path) as aside, aside.open("xb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def read_file(path: Path, *, most: int = _MOST_BYTES, follow: bool = False) -> bytes | None:
    """Return what a file holds; ``None`` if there is none.

    Parameters
    ----------
    most
        Bytes that it may have.
    follow
        Read it through a symbolic link, too.

    Raises
    ------
    ValueError
        If it is too large to be one of ours.
    OSError
        If it cannot be read.
    """
    try:
        with os.fdopen(open_plain(path, follow=follow), "rb") as file:
            content = file.read(most + 1)
    except FileNotFoundError:
        return None
    if len(content) > most:
        raise ValueError(f"it has more than {most:,} bytes")
    return content


def append_line(file: IO[bytes], line: bytes) -> bool:
    """Add a line to a file that is open for adding and reading; return whether there was room."""
    # A line that a kill or a full disk cut short must not swallow this one.
    if file.seek(0, os.SEEK_END) and file.seek(-1, os.SEEK_END) and file.read(1) != b"\n":
        line = b"\n" + line
    return file.write(line + b"\n") > len(line)


def remove_unfinished(folder: Path) -> None:
    """Remove what `replace_file` left in a folder when it was killed.

    Nobody may be writing there.
    """
    try:
        refuse_links(folder)
    except OSError:
        return
    for aside in folder.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            aside.unlink()
