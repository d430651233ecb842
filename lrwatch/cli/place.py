"""Where runs are, on a command line: a path, or an address such as ``s3://bucket/runs``."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Any, Final

import click

from lrwatch.errors import RunNotFound

__all__ = ["PLACE", "known_as", "no_run_at", "no_runs_yet"]


class _Place(click.Path):
    """A path as it is; for an address the folder that mirrors it."""

    def convert(
        self,
        value: Any,
        param: click.Parameter | None,  # noqa: ARG002  click passes both
        ctx: click.Context | None,  # noqa: ARG002
    ) -> Path:
        if isinstance(value, Path) or "://" not in value:
            return Path(value)
        from lrwatch.store.mirroring.places import local_folder

        return local_folder(value)


PLACE: Final = _Place()


def known_as(path: Path) -> str:
    """Return how people know a path: as they gave it, or by its address."""
    from lrwatch.store.mirroring.places import known_as as found

    return found(path)


def no_run_at(path: Path) -> RunNotFound:
    """Return the error for a path that is no run, which says where runs are listed."""
    if path.is_dir():
        listed = shlex.quote(known_as(path))
        return RunNotFound(
            f"{known_as(path)} is not a run; `lrwatch ls {listed}` lists the runs in it"
        )
    listed = shlex.quote(known_as(path.parent))
    return RunNotFound(
        f"there is no run at {known_as(path)}; `lrwatch ls {listed}` lists those that there are"
    )


def no_runs_yet(folder: Path) -> str:
    """Say that a folder of runs is empty, and what writes some into it."""
    known = known_as(folder)
    return f"no runs in {known} yet; lrwatch.watch(optimizer, dir={known!r}) writes them"
