"""What an exporter is given, and what it does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import pyarrow as pa

from lrwatch.records import RunInfo

__all__ = ["ExportedRun", "Exporter"]


@dataclass(frozen=True, slots=True)
class ExportedRun:
    """A run to be written.

    Attributes
    ----------
    info
        What is known of it beside its steps.
    table
        A row a step, as `lrwatch.read_table` gives it; null is "not recorded".
    """

    info: RunInfo
    table: pa.Table


class Exporter(Protocol):
    """Writes runs as one kind of file."""

    @property
    def name(self) -> str:
        """What ``lrwatch export --as`` calls the kind."""

    @property
    def example(self) -> str:
        """A name of such a file, from which people see what `takes` goes by."""

    def takes(self, name: str) -> bool:
        """Tell whether a file of this name is to be of this kind."""

    def write(self, run: ExportedRun, path: Path) -> None:
        """Write a run into a new file."""
