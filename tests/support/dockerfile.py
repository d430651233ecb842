"""The instructions of the Dockerfile, for tests that follow them without a container engine."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Instruction", "arguments_of", "instructions"]


@dataclass(frozen=True)
class Instruction:
    """One instruction: its keyword, and what follows, on one line."""

    keyword: str
    value: str


def instructions(path: Path) -> list[Instruction]:
    """Read a Dockerfile; comments are dropped and continued lines joined."""
    lines = [line for line in path.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    found = [line.split(maxsplit=1) for line in joined.splitlines() if line.strip()]
    return [Instruction(keyword.upper(), value) for keyword, value in found]


def arguments_of(value: str) -> list[str]:
    """Return the arguments of a command in exec form: the JSON list in an instruction."""
    arguments: list[str] = json.loads(value[value.index("[") :])
    return arguments
