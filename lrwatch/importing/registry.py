"""Every importer there is, those of other packages included, and which of them a source is for."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Final

from lrwatch.errors import InvalidArgument
from lrwatch.importing.documents import JsonRows, KerasHistory, TrainerState
from lrwatch.importing.foreign_run import Importer
from lrwatch.importing.layouts import LAYOUTS
from lrwatch.importing.mlflow import MlflowDatabase, MlflowFolder
from lrwatch.importing.neptune import NeptuneParquet
from lrwatch.importing.source import head_of
from lrwatch.importing.table_log import AnyTable, KnownTable
from lrwatch.importing.tensorboard import TensorBoardEvents
from lrwatch.importing.text_layouts import TEXT_LAYOUTS
from lrwatch.importing.text_log import TextLog
from lrwatch.importing.trackio import TrackioDatabase
from lrwatch.importing.wandb_csv import WandbChart
from lrwatch.importing.wandb_offline import WandbOffline

__all__ = ["IMPORTER_GROUP", "importer_named", "importers", "recognised"]

IMPORTER_GROUP: Final = "lrwatch.importers"
"""Entry points of this group are importers: a class, or a function, that gives one if called."""

logger = logging.getLogger("lrwatch")


@cache
def importers() -> Mapping[str, Importer]:
    """Return the importers by name; one of another package never takes a name of ours."""
    own: list[Importer] = [
        TrainerState(),
        TensorBoardEvents(),
        WandbOffline(),
        WandbChart(),
        MlflowDatabase(),
        MlflowFolder(),
        TrackioDatabase(),
        NeptuneParquet(),
        *map(KnownTable, LAYOUTS),
        KerasHistory(),
        JsonRows(),
        AnyTable(),
        *map(TextLog, TEXT_LAYOUTS),
    ]
    found = {each.name: each for each in own}
    for entry in entry_points(group=IMPORTER_GROUP):
        try:
            foreign: Importer = entry.load()()
            found.setdefault(foreign.name, foreign)
        except Exception as error:  # noqa: BLE001  whatever another package's code raises
            logger.warning("the importer %s cannot be loaded: %s", entry.name, error)
    return found


def importer_named(name: str) -> Importer:
    """Return an importer by its name.

    Raises
    ------
    InvalidArgument
        If there is none.
    """
    try:
        return importers()[name]
    except KeyError:
        raise InvalidArgument(
            f"there is no kind {name!r}; use auto, or one of {', '.join(sorted(importers()))}"
        ) from None


def recognised(path: Path) -> tuple[Importer | None, float]:
    """Return the importer that is surest of a source, and how sure it is.

    Raises
    ------
    OSError
        If it cannot be opened.
    """
    head = head_of(path)
    if not head and not path.is_dir():
        return None, 0.0
    sure = {name: _sureness(each, path, head) for name, each in importers().items()}
    best = max(sure, key=sure.__getitem__)
    return (importers()[best], sure[best]) if sure[best] > 0 else (None, 0.0)


def _sureness(importer: Importer, path: Path, head: bytes) -> float:
    try:
        return importer.recognises(path, head)
    except Exception:
        logger.exception("the importer %s failed to recognise %s", importer.name, path)
        return 0.0
