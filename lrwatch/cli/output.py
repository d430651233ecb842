"""What is printed: once, whole, and without complaint when the reader has gone."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from lrwatch.codec import plain

__all__ = ["emit", "strict_json"]


def emit(text: str) -> None:
    """Print a text on standard output.

    In ``lrwatch ls | head`` the reader closes the pipe early. That is no error: what follows
    goes nowhere, and the command ends with its own exit status.
    """
    try:
        sys.stdout.write(text if text.endswith("\n") else f"{text}\n")
        sys.stdout.flush()
    except BrokenPipeError:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())


def strict_json(value: Any) -> str:
    r"""Write a value as JSON that every reader takes: no NaN, no infinity, ASCII only.

    Numbers that JSON does not know become ``null``, dataclasses become objects.

    Examples
    --------
    >>> strict_json([float("nan"), 1.5])
    '[\n  null,\n  1.5\n]'
    """
    return json.dumps(plain(value), indent=2, allow_nan=False)
