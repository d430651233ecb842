"""What an importer gives: a run as another tool kept it, and what in it could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pyarrow as pa

__all__ = ["Choice", "ForeignRun", "Importer", "Trouble"]


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something in a file that could not be read and was left out.

    Attributes
    ----------
    path
        The file.
    line
        Its line, counted from 1; of a binary file, the record; ``None`` for the file as a whole.
    what
        What is wrong there, in words.
    """

    path: Path
    line: int | None
    what: str

    def __str__(self) -> str:
        """Return where it is and what it is, on one line."""
        where = self.path.name if self.line is None else f"{self.path.name}, line {self.line}"
        return f"{where}: {self.what}"


@dataclass(frozen=True, slots=True)
class Choice:
    """What the user says of a log, instead of what would be guessed.

    Attributes
    ----------
    loss, lr, step
        Columns that hold them; ``None`` to guess.
    every
        Steps that one row stands for; ``None`` to guess.
    """

    loss: str | None = None
    lr: str | None = None
    step: str | None = None
    every: int | None = None

    def columns(self) -> dict[str, str]:
        """Return the chosen columns, by what they hold."""
        named = {"loss": self.loss, "lr": self.lr, "step": self.step}
        return {ours: theirs for ours, theirs in named.items() if theirs is not None}


@dataclass(frozen=True, slots=True)
class ForeignRun:
    """A run of another tool.

    Attributes
    ----------
    name
        What it is called there, or what its files are called.
    table
        Its rows, in the order of writing, under the names that they have there; a column of
        times, if there is one, is called ``time`` and holds timestamps.
    title
        The kind of log, as people call it: ``Hugging Face trainer_state``.
    key
        Tells runs of one source apart; empty where a source holds one run.
    columns
        Columns of a step that the kind of log is known to have: our name, its name.
    is_averaged
        The loss of a row is a mean over the steps since the row before.
    is_by_epoch
        Rows stand for epochs.
    every
        Steps that one row stands for, where the log says so.
    total_steps
        Planned number of steps, in the unit of the steps.
    config
        Its settings; JSON types only.
    is_over
        Whether the training has ended; ``None`` where the log does not say.
    notes
        What a reader should know of it, in words.
    troubles
        What could not be read.
    """

    name: str
    table: pa.Table
    title: str
    key: str = ""
    columns: Mapping[str, str] = field(default_factory=dict)
    is_averaged: bool = False
    is_by_epoch: bool = False
    every: int | None = None
    total_steps: int | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    is_over: bool | None = None
    notes: tuple[str, ...] = ()
    troubles: tuple[Trouble, ...] = ()


class Importer(Protocol):
    """Reads one kind of log. It opens files for reading only, and needs no other tool's package.

    `lrwatch.testing.importers` is the suite that every importer must pass.
    """

    @property
    def name(self) -> str:
        """What `lrwatch import` calls the kind: lower-case letters, digits and hyphens."""

    @property
    def title(self) -> str:
        """What people call it."""

    def recognises(self, path: Path, head: bytes) -> float:
        """Say how sure it is, from 0 to 1, that a source is of this kind. Raises nothing.

        Parameters
        ----------
        path
            A file, or a folder.
        head
            The first bytes of the file; none of a folder.
        """

    def read(self, path: Path, choice: Choice) -> list[ForeignRun]:
        """Read the runs of a source.

        Raises
        ------
        RunUnreadable
            If no run can be had from it; the message says where and why.
        """
