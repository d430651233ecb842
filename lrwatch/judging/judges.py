"""Which version of the judging a verdict is from: what another one found is judged anew."""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path
from typing import Final

from lrwatch import records
from lrwatch.version import VERSION

__all__ = ["judges"]

_SOURCES: Final = (
    "comparing",
    "detect",
    "diagnosis",
    "following",
    "judging",
    "logs.py",
    "monitor.py",
    "records.py",
    "store",
    "tables.py",
    "verdicts.py",
)


@cache
def judges(*also: str) -> str:
    """Return what changes whenever runs may be judged otherwise, the same on every machine.

    It is taken from what the source files hold and not from when they were written: several
    machines share a table. Of further packages whose names are given, `also`.
    """
    package = Path(records.__file__).parent
    digest = hashlib.sha256(VERSION.encode())
    for name in (*_SOURCES, *also):
        for file in (package / name, *sorted((package / name).glob("*.*"))):
            if file.suffix in (".py", ".json") and file.is_file():
                digest.update(file.name.encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:16]
