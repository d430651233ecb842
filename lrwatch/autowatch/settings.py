"""What ``lrwatch run`` was asked for, on its way to the script's interpreter."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass

__all__ = ["VARIABLE", "Settings"]

VARIABLE = "LRWATCH_AUTOWATCH"
"""Environment variable that carries the settings; gone before the script runs."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to record a script.

    Attributes
    ----------
    folder
        Folder of runs, absolute: the script may change its working directory.
    shown_folder
        The same as it was given.
    name
        Name of the run; empty to make one from `program` and the optimizer.
    program
        The script's name without its ending, or the module's.
    command
        Script and arguments, as they were typed.
    python_path
        ``PYTHONPATH`` as it was; ``None`` if it was not set.
    alerts
        Whether to report runs that go wrong.
    """

    folder: str
    shown_folder: str
    name: str
    program: str
    command: str
    python_path: str | None
    alerts: bool

    def to_text(self) -> str:
        """Return the settings as one line of ASCII."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Settings:
        """Return the settings that `to_text` gave."""
        return cls(**json.loads(text))
