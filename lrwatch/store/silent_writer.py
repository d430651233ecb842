"""A writer that writes nothing: for processes of a job that another one records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from lrwatch.records import RunInfo
from lrwatch.store.writer import Row

__all__ = ["SilentWriter"]


class SilentWriter:
    """Takes what a `RunWriter` takes and keeps nothing.

    Parameters
    ----------
    folder
        Where the process that writes has the run, as far as is known here.
    info
        What is known of the run.
    columns
        Names of the float columns.
    """

    def __init__(self, folder: Path, info: RunInfo, columns: Sequence[str]) -> None:
        self.folder = folder
        self.info = info
        self.columns = tuple(columns)

    def append(self, row: Row) -> None:
        """Do nothing."""

    def amend(self, values: Sequence[float]) -> None:
        """Do nothing."""

    def last_values(self) -> None:
        """Return ``None``: there is no last row."""

    def widen(self, names: Sequence[str]) -> None:
        """Add columns."""
        self.columns += tuple(names)

    def learn(self, facts: Mapping[str, Any]) -> None:
        """Do nothing."""

    def close(self, status: str, error: str | None = None) -> None:
        """Do nothing."""
