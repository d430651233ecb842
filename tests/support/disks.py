"""Disks that fill up."""

from __future__ import annotations

import errno
import os
from pathlib import Path

__all__ = ["fill"]


def fill(path: Path, block: int) -> None:
    """Write blocks of so many bytes until the disk is full."""
    file = os.open(path, os.O_CREAT | os.O_WRONLY)
    try:
        while os.write(file, bytes(block)) == block:
            pass
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
    finally:
        os.close(file)
