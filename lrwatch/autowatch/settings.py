"""What ``lrwatch run`` was asked for, on its way to the script's interpreter."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

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
    resume
        Whether to go on with the runs of an earlier start.
    total_steps
        Planned number of steps, where known.
    config
        What to remember of the job beside the command.
    started_at
        When ``lrwatch run`` was called: seconds since the Unix epoch.
    """

    folder: str
    shown_folder: str = ""
    name: str = ""
    program: str = ""
    command: str = ""
    python_path: str | None = None
    alerts: bool = True
    resume: bool = False
    total_steps: int | None = None
    config: Mapping[str, Any] = field(default_factory=dict)
    started_at: float = 0.0

    def to_text(self) -> str:
        """Return the settings as one line of ASCII."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_text(cls, text: str) -> Settings:
        """Return the settings that `to_text` gave."""
        return cls(**json.loads(text))
