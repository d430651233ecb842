"""Small JSON files that outlive a kill at any moment: whole, or as they were before."""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import math
import operator
import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import get_ident
from typing import Any, Final

__all__ = [
    "ALERTS_FOLDER",
    "alerts_folder",
    "as_json",
    "made_folder",
    "open_plain",
    "read_object",
    "refuse_links",
    "remove_unfinished",
    "replace_object",
    "replacing",
]

ALERTS_FOLDER: Final = ".lrwatch-alerts"
"""Folder in a store that holds what was told; the dot keeps it out of the list of runs."""

_MOST_BYTES: Final = 64 * 2**20
"""No file of ours is as large; one that is would fill the memory of everybody who reads it."""

# Windows has no such flags, and reads text unless it is told not to.
_PLAINLY: Final = functools.reduce(
    operator.or_,
    (getattr(os, name, 0) for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY")),
)


def alerts_folder(store: str | os.PathLike[str]) -> Path:
    """Return the folder of a store that alerts are kept in, whether it is there or not."""
    return Path(store) / ALERTS_FOLDER


def as_json(content: Mapping[str, Any], *, indent: int | None = None) -> str:
    """Write an object as JSON that every reader takes: what is no finite number is null."""
    return json.dumps(_plain(content), indent=indent, allow_nan=False)


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


def open_plain(path: Path, flags: int = os.O_RDONLY, *, follow: bool = False) -> int:
    """Open a file, never a pipe or a device, which could make everybody wait for ever.

    Nor a symbolic link, unless asked to follow it: what is only read may lie elsewhere.

    Raises
    ------
    OSError
        If it cannot be opened, or is not a plain file.
    """
    links = getattr(os, "O_NOFOLLOW", 0) if follow else 0
    file = os.open(path, flags | _PLAINLY & ~links, 0o666)
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
        aside.replace(path)
    except (Exception, KeyboardInterrupt):
        with contextlib.suppress(OSError):
            aside.unlink(missing_ok=True)
        raise


def replace_object(path: Path, content: Mapping[str, Any]) -> None:
    """Write an object aside and rename it into place; the folder is made where it is missing.

    Raises
    ------
    OSError
        If it cannot be written; an earlier file is then left as it was.
    """
    made_folder(path.parent)
    with replacing(path) as aside, aside.open("x", encoding="utf-8") as file:
        file.write(as_json(content, indent=1) + "\n")
        file.flush()
        os.fsync(file.fileno())


def read_object(
    path: Path, *, most: int = _MOST_BYTES, follow: bool = False
) -> dict[str, Any] | None:
    """Return the object in a file; ``None`` if there is none.

    Parameters
    ----------
    path
        A file of JSON.
    most
        Bytes that it may have.
    follow
        Read it through a symbolic link, too.

    Raises
    ------
    TypeError, ValueError
        If the file holds something else.
    OSError
        If it cannot be read.
    """
    try:
        with os.fdopen(open_plain(path, follow=follow), "rb") as file:
            text = file.read(most + 1)
    except FileNotFoundError:
        return None
    if len(text) > most:
        raise ValueError(f"{path.name} has more than {most} bytes")
    try:
        content = json.loads(text)
    except RecursionError as error:
        raise ValueError(f"{path.name} is nested too deeply") from error
    if not isinstance(content, dict):
        raise TypeError(f"{path.name} must hold a JSON object, got {type(content).__name__}")
    return content


def remove_unfinished(folder: Path) -> None:
    """Remove what `replace_object` left in a folder when it was killed.

    Nobody may be writing there.
    """
    try:
        refuse_links(folder)
    except OSError:
        return
    for aside in folder.glob(".*.tmp"):
        with contextlib.suppress(OSError):
            aside.unlink()


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
