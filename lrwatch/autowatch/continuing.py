"""Go on with the runs of an earlier start of a script, as a requeued job does."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from dataclasses import replace
from itertools import count
from pathlib import Path

from lrwatch.errors import RunBusy, RunNotFound, RunUnreadable
from lrwatch.records import RunInfo
from lrwatch.store.creation import create_run, resume_run
from lrwatch.store.writer import RunWriter
from lrwatch.uploading import fetch_for_resume

__all__ = ["continued_run"]

logger = logging.getLogger("lrwatch")


def continued_run(
    store: Path, info: RunInfo, columns: Sequence[str], *, taken: Collection[str]
) -> tuple[RunWriter, int]:
    """Return the writer of the run that a name means, and the number of its next step.

    Where there is no such run, or it cannot be gone on with, one is created.

    Parameters
    ----------
    store
        Folder of runs.
    info
        What is known of the run.
    columns
        Names of the float columns.
    taken
        Runs of this start: a second optimizer of the same name goes on with ``NAME-2``.

    Raises
    ------
    StoreNotWritable, InvalidArgument
        As `create_run`.
    """
    names = (info.name if n == 1 else f"{info.name}-{n}" for n in count(1))
    name = next(name for name in names if name not in taken)
    fetch_for_resume(store, name, may_begin=True)
    try:
        return resume_run(store, replace(info, name=name), columns, step=None)
    except RunNotFound:
        pass
    except (RunBusy, RunUnreadable) as error:
        logger.warning("lrwatch: %s is not gone on with, a new run begins: %s", name, error)
    return create_run(store, info, columns), 0
