"""Make this process as poor as one on Windows: run before lrwatch is imported.

Third-party packages are loaded first: what they need of the system is their affair. Files that
are open can be neither renamed nor replaced nor deleted from here on.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["begin"]

LACKING = [
    *("pwrite", "pread", "register_at_fork", "fork", "kill", "getuid", "geteuid", "nice"),
    *("O_CLOEXEC", "O_NOFOLLOW", "O_NONBLOCK", "O_DIRECTORY", "execve", "statvfs", "chown"),
]


def begin() -> None:
    """Take away what Windows lacks, and load lrwatch's door as it is loaded there."""
    for name in LACKING:
        delattr(os, name)
    for name in ("fcntl", "resource", "pwd", "grp", "termios"):
        sys.modules[name] = None  # type: ignore[assignment]
    for name in ("replace", "rename", "unlink", "remove"):
        setattr(os, name, refusing(getattr(os, name)))
    here, sys.platform = sys.platform, "win32"
    import lrwatch.system

    sys.platform = here
    assert not lrwatch.system.MOVES_OPEN_FILES


def refusing(call: Callable[..., None]) -> Callable[..., None]:
    """Refuse what this process has open."""

    def guarded(*paths: Any, **options: Any) -> None:
        opened = {os.path.realpath(entry.path) for entry in os.scandir("/proc/self/fd")}
        for path in paths:
            if str(Path(path).absolute()) in opened:
                raise PermissionError(13, "The process cannot access the file", str(path))
        call(*paths, **options)

    return guarded
