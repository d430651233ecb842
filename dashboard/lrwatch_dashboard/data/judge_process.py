"""A process that judges settled runs: one line of JSON in, one out; ends with its input.

``python -m lrwatch_dashboard.data.judge_process``, started by `lrwatch_dashboard.data.judges`.
"""

from __future__ import annotations

import base64
import json
import os
import sys
from pathlib import Path
from typing import IO, Any

from lrwatch.errors import LrwatchError
from lrwatch.store import RunEntry, read_run_info
from lrwatch_dashboard.data.follower import Follower

__all__ = ["answer_all"]


def answer_all(questions: IO[str], answers: IO[str]) -> None:
    """Judge the run of each line until there are no more."""
    for line in questions:
        answers.write(json.dumps(_judged(json.loads(line))) + "\n")
        answers.flush()


def _judged(question: dict[str, Any]) -> str | None:
    """Return what was found; None if the run cannot be read, which the asker will see itself."""
    path = Path(question["path"])
    try:
        info = read_run_info(path)
    except (LrwatchError, OSError):
        return None
    entry = RunEntry(question["key"], path, info, "", question["last_write"])
    follower = Follower(entry)
    follower.catch_up(float("inf"))
    finding = follower.finding()
    if follower.problem or follower.damage or finding is None:
        return None
    return base64.b64encode(finding.as_bytes()).decode()


if __name__ == "__main__":
    if hasattr(os, "nice"):
        os.nice(5)  # whoever looks at a page, or trains, goes first
    try:
        answer_all(sys.stdin, sys.stdout)
    except BrokenPipeError:
        # Who asked has ended; without this the interpreter would complain of it as well.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
