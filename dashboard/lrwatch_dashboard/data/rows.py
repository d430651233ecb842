"""All rows of a run at once, for a file to take away."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lrwatch.errors import LrwatchError
from lrwatch.store import read_table

__all__ = ["read_rows"]


def read_rows(path: Path) -> Any | None:
    """Return the rows of a run folder as a `pyarrow.Table`; None if they cannot be read."""
    try:
        return read_table(path)
    except (LrwatchError, OSError):
        return None
