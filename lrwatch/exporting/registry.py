"""Every exporter there is, those of other packages included, and which a file's name asks for."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from typing import Final

from lrwatch.errors import InvalidArgument
from lrwatch.exporting.exporter import Exporter
from lrwatch.exporting.table_files import TABLE_FILES
from lrwatch.exporting.tensorboard import EventFile

__all__ = ["EXPORTER_GROUP", "exporter_for", "exporters"]

EXPORTER_GROUP: Final = "lrwatch.exporters"
"""Entry points of this group are exporters: a class, or a function, that gives one if called."""

logger = logging.getLogger("lrwatch")


@cache
def exporters() -> Mapping[str, Exporter]:
    """Return the exporters by name; one of another package never takes a name of ours."""
    found: dict[str, Exporter] = {each.name: each for each in (EventFile(), *TABLE_FILES)}
    for entry in entry_points(group=EXPORTER_GROUP):
        try:
            foreign: Exporter = entry.load()()
            found.setdefault(foreign.name, foreign)
        except Exception as error:  # noqa: BLE001  whatever another package's code raises
            logger.warning("the exporter %s cannot be loaded: %s", entry.name, error)
    return found


def exporter_for(name: str, kind: str | None = None) -> Exporter:
    """Return the exporter for a file.

    Parameters
    ----------
    kind
        Name of the exporter; ``None`` to go by the file's.

    Raises
    ------
    InvalidArgument
        If there is none.
    """
    if kind is not None:
        if kind in exporters():
            return exporters()[kind]
        raise InvalidArgument(
            f"there is no kind {kind!r} to export; use one of {', '.join(exporters())}"
        )
    for exporter in exporters().values():
        if exporter.takes(name):
            return exporter
    examples = ", ".join(each.example for each in exporters().values())
    raise InvalidArgument(
        f"the kind of file is told by its name, such as {examples}; got {name!r}: give another "
        "name, or the kind with --as"
    )
