"""``run.json``: what is known of a run beside its steps; replaced atomically, never half read."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lrwatch.errors import RunNotFound, RunUnreadable
from lrwatch.records import RunInfo
from lrwatch.store.layout import RUN_JSON

__all__ = ["FORMAT", "read_run_info", "write_run_info"]

FORMAT = 1
"""Version of the run folder that this module writes; it reads this one and every earlier one."""

_FIELDS = {field.name for field in dataclasses.fields(RunInfo)}


def write_run_info(run: Path, info: RunInfo) -> None:
    """Write ``run.json`` aside and rename it into place.

    Raises
    ------
    OSError
        If the folder cannot be written; an earlier ``run.json`` is then left as it was.
    """
    text = json.dumps(dataclasses.asdict(info), indent=2, allow_nan=True, default=str)
    aside = run / f".{RUN_JSON}.{os.getpid()}.tmp"
    try:
        aside.write_text(text + "\n", encoding="utf-8")
        aside.replace(run / RUN_JSON)
    except OSError:
        aside.unlink(missing_ok=True)
        raise


def read_run_info(run: Path) -> RunInfo:
    """Read ``run.json``.

    Raises
    ------
    RunNotFound
        If there is none.
    RunUnreadable
        If it is damaged, or of a later format than this version of lrwatch knows.
    """
    path = run / RUN_JSON
    try:
        content = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise RunNotFound(f"{run} is not a run of lrwatch: it has no {RUN_JSON}") from error
    except (ValueError, OSError) as error:
        raise RunUnreadable(f"{path} cannot be read as JSON: {error}") from error
    if not isinstance(content, dict):
        raise RunUnreadable(f"{path} must hold a JSON object, got {type(content).__name__}")
    _check_format(path, content)
    known = {key: value for key, value in content.items() if key in _FIELDS}
    try:
        return _run_info(run, known)
    except (TypeError, ValueError) as error:
        raise RunUnreadable(f"{path} is damaged: {error}") from error


def _check_format(path: Path, content: Mapping[str, Any]) -> None:
    version = content.get("format")
    if not isinstance(version, int) or version < 1:
        raise RunUnreadable(f"{path} has format {version!r}; expected a whole number, at least 1")
    if version > FORMAT:
        raise RunUnreadable(
            f"{path} has format {version}, this lrwatch reads up to {FORMAT}: "
            "upgrade lrwatch to read this run"
        )


def _run_info(run: Path, known: dict[str, Any]) -> RunInfo:
    known.setdefault("id", run.name)
    known.setdefault("name", run.name)
    known["parameter_groups"] = tuple(str(name) for name in known.get("parameter_groups") or ())
    for key in ("config", "environment"):
        if not isinstance(known.get(key) or {}, dict):
            raise TypeError(f"{key} must be a JSON object, got {type(known[key]).__name__}")
        known[key] = known.get(key) or {}
    known["created_at"] = float(known.get("created_at") or 0.0)
    return RunInfo(**known)
