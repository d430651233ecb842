"""Whatever goes wrong while a file of a run is read is one error, which names the file."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from lrwatch.errors import LrwatchError, RunNotFound, RunUnreadable

__all__ = ["naming", "reading"]


@contextlib.contextmanager
def reading(file: Path) -> Iterator[None]:
    """Turn every error of reading a file into `RunUnreadable`, but that it is gone.

    The message has the file's name and not its folder: it may be shown to those who are not to
    know where the run is.
    """
    try:
        yield
    except (FileNotFoundError, LrwatchError):
        raise
    except Exception as error:
        # What the operating system says of a file has its path in it.
        said = error.strerror if isinstance(error, OSError) and error.strerror else error
        what = "cannot be read" if isinstance(error, OSError) else "is damaged"
        raise RunUnreadable(f"{file.name} {what}: {said}") from error


@contextlib.contextmanager
def naming(run: str | os.PathLike[str]) -> Iterator[None]:
    """Begin the message of each error about a run with the path that a user gave."""
    try:
        yield
    except (RunNotFound, RunUnreadable) as error:
        raise type(error)(f"{os.fspath(run)}: {error}") from error
