"""Small JSON files that outlive a kill at any moment: whole, or as they were before."""

from __future__ import annotations

import contextlib
import json
import math
import os
from collections.abc import Mapping
from pathlib import Path
from threading import get_ident
from typing import Any, Final

__all__ = [
    "ALERTS_FOLDER",
    "alerts_folder",
    "as_json",
    "read_object",
    "remove_unfinished",
    "replace_object",
]

ALERTS_FOLDER: Final = ".lrwatch-alerts"
"""Folder in a store that holds what was told; the dot keeps it out of the list of runs."""


def alerts_folder(store: str | os.PathLike[str]) -> Path:
    """Return the folder of a store that alerts are kept in, whether it is there or not."""
    return Path(store) / ALERTS_FOLDER


def as_json(content: Mapping[str, Any], *, indent: int | None = None) -> str:
    """Write an object as JSON that every reader takes: what is no finite number is null."""
    return json.dumps(_plain(content), indent=indent, allow_nan=False)


def replace_object(path: Path, content: Mapping[str, Any]) -> None:
    """Write an object aside and rename it into place; the folder is made where it is missing.

    Raises
    ------
    OSError
        If it cannot be written; an earlier file is then left as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(f".{path.name}.{os.getpid()}-{get_ident()}.tmp")
    try:
        with aside.open("w", encoding="utf-8") as file:
            file.write(as_json(content, indent=1) + "\n")
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


def read_object(path: Path) -> dict[str, Any] | None:
    """Return the object in a file; ``None`` if there is none.

    Raises
    ------
    TypeError, ValueError
        If the file holds something else.
    OSError
        If it cannot be read.
    """
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        return None
    if not isinstance(content, dict):
        raise TypeError(f"{path} must hold a JSON object, got {type(content).__name__}")
    return content


def remove_unfinished(folder: Path) -> None:
    """Remove what `replace_object` left in a folder when it was killed.

    Nobody may be writing there.
    """
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
