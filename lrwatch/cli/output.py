"""What is printed: once, whole, and without complaint when the reader has gone."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import sys
from typing import Any

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
    return json.dumps(_plain(value), indent=2, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return _plain(dataclasses.asdict(value))
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value
