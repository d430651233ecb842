"""Where runs are, on a command line: a path, or an address such as ``s3://bucket/runs``."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import click

__all__ = ["PLACE", "known_as"]


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
