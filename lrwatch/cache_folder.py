"""Where what can be made again is kept, for a store that cannot be written."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

__all__ = ["CACHE_VARIABLE", "cache_folder", "platform_folder", "store_mark"]

CACHE_VARIABLE: Final = "LRWATCH_CACHE_DIR"


def cache_folder(environment: Mapping[str, str]) -> Path | None:
    """Return where findings are kept; None if nowhere.

    ``LRWATCH_CACHE_DIR`` says so, and if it is empty nothing is kept; without it, it is the
    platform's folder for what can be made again.
    """
    if CACHE_VARIABLE in environment:
        chosen = environment[CACHE_VARIABLE]
        return Path(chosen) if chosen else None
    return platform_folder(environment)


def platform_folder(environment: Mapping[str, str]) -> Path | None:
    """Return the platform's folder for such things; None for a user without a home."""
    try:
        home = Path.home()
    except RuntimeError:
        return None  # as in a container
    if sys.platform == "win32":
        return Path(environment.get("LOCALAPPDATA") or home / "AppData/Local") / "lrwatch" / "Cache"
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "lrwatch"
    return Path(environment.get("XDG_CACHE_HOME") or home / ".cache") / "lrwatch"


def store_mark(store: str | os.PathLike[str]) -> str:
    """Return a name for what is kept of a store."""
    return hashlib.sha256(os.fsencode(Path(store).resolve())).hexdigest()[:32]
