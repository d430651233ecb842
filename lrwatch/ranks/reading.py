"""Read what the processes of a job wrote of themselves."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from lrwatch.errors import LrwatchError, RunNotFound
from lrwatch.plain_files import read_file
from lrwatch.ranks.files import COLUMNS, attempts, journals, status_path
from lrwatch.records import FloatArray, is_null, superseded
from lrwatch.store.journal import JournalRows, last_rows, read_journal
from lrwatch.store.layout import is_run
from lrwatch.system import is_still

if TYPE_CHECKING:
    import os

    import pandas as pd

__all__ = ["RankState", "paces", "rank_states", "read_ranks"]

logger = logging.getLogger("lrwatch")

_MOST_BYTES: Final = 64 * 2**10  # of what a rank says of itself
_LATEST: Final = 10  # stretches over which paces are compared
_STATUSES: Final = ("running", "finished", "interrupted", "failed")


@dataclass(frozen=True, slots=True)
class RankState:
    """Where one process of a job is, or how it ended.

    Attributes
    ----------
    rank
        Its number.
    n_ranks
        How many there were in its start of the job.
    step
        The last step that it made; ``None`` before the first.
    time
        When it made it, in seconds since the Unix epoch.
    told
        When it last said that it lives, by its own clock.
    status
        As in `RunInfo`; one that was killed stays ``running``.
    error
        What ended it, in a line.
    host
        Its machine.
    is_gone
        Whether its process is known not to be there; only on this machine that can be known.
    is_in_backward
        Whether, when it last told, it had come to the `backward` of the step after.
    """

    rank: int
    n_ranks: int = 0
    step: int | None = None
    time: float = 0.0
    told: float = 0.0
    status: str = "running"
    error: str = ""
    host: str = ""
    is_gone: bool = False
    is_in_backward: bool = False


def read_ranks(path: str | os.PathLike[str], *, by_step: bool = False) -> pd.DataFrame:
    """Read what each process of a training recorded, where `watch` was asked for ``ranks``.

    Parameters
    ----------
    path
        Folder of a run, or a `Run`, also while it is being recorded.
    by_step
        One row a stretch of steps, over all ranks, rather than one for each rank.

    Returns
    -------
    pandas.DataFrame
        For each rank: ``attempt`` (which start of the job, from 1), ``rank``, ``step`` (the last
        one of the stretch), ``time`` (UTC, of this step), and means over the stretch: ``loss`` on
        this rank, ``grad_norm`` as its optimizer saw it, ``seconds`` that a step took, and
        ``seconds_to_backward``, from the end of a step to the first `backward` after it: the time
        for data and forward, before ranks wait for each other.

        By step: ``step``, ``ranks`` (how many have a row), ``loss_min``, ``loss_mean``,
        ``loss_max``, ``highest_loss_rank``, ``seconds_to_backward_median``,
        ``seconds_to_backward_max``, ``slowest_rank``. The mean loss is that of the whole batch
        where ranks train on equal parts of it.

    Raises
    ------
    RunNotFound
        If there is no run at `path`.
    """
    import pandas as pd

    run = Path(path)
    if not is_run(run):
        raise RunNotFound(f"{run} is not a run; `lrwatch ls {run}` lists the runs in it")
    starts = [_frame(attempt) for attempt in attempts(run)]
    starts = [start for start in starts if len(start)]
    for i, start in enumerate(starts):  # what a later start made again does not count
        again = min((int(later["step"].min()) for later in starts[i + 1 :]), default=None)
        if again is not None:
            starts[i] = start[start["step"] < again]
    frame = pd.concat(starts or [_as_frame(0, 0, _NOTHING)], ignore_index=True)
    return _by_step(frame) if by_step else frame


def rank_states(run: Path) -> list[RankState]:
    """Return where the processes of a run's last start are; none where they were not asked for."""
    starts = attempts(run)
    return [_state(rank, path) for rank, path in journals(starts[-1]).items()] if starts else []


def paces(run: Path) -> Mapping[str, FloatArray]:
    """Return how the ranks of a run's last start did over its last stretches, by rank.

    Returns
    -------
    ``rank`` and means of ``loss`` and ``seconds_to_backward``, arrays of shape ``(n_ranks,)``.
    """
    starts = attempts(run)
    rows = _latest(starts[-1]) if starts else {}
    found = {"rank": np.array(list(rows), float)}
    for name in ("loss", "seconds_to_backward"):
        column = COLUMNS.index(name)
        found[name] = np.array([_mean(each.values[:, column]) for each in rows.values()], float)
    return found


def _latest(attempt: Path) -> dict[int, JournalRows]:
    """Return the last rows of each rank that has some, of stretches that have ended."""
    found = {}
    for rank, path in journals(attempt).items():
        rows = _rows(path, _LATEST + 1)
        if rows is not None and len(rows) > 1:
            found[rank] = rows[:-1]
    return found


def _rows(path: Path, n_last: int | None = None) -> JournalRows | None:
    try:
        rows = read_journal(path) if n_last is None else last_rows(path, n_last)
    except (LrwatchError, OSError) as error:
        logger.warning("%s is left out: %s", path.name, error)
        return None
    return rows if rows.columns == COLUMNS else None


_NOTHING: Final = JournalRows(
    COLUMNS,
    place=np.zeros(0, np.int64),
    step=np.zeros(0, np.int64),
    time=np.zeros(0, np.int64),
    skipped=np.zeros(0, bool),
    values=np.zeros((0, len(COLUMNS))),
)


def _frame(attempt: Path) -> pd.DataFrame:
    import pandas as pd

    found = {rank: _rows(path) for rank, path in journals(attempt).items()}
    number = int(attempt.name)
    frames = [_as_frame(number, rank, rows) for rank, rows in found.items() if rows is not None]
    return pd.concat(frames or [_as_frame(number, 0, _NOTHING)], ignore_index=True)


def _as_frame(attempt: int, rank: int, rows: JournalRows) -> pd.DataFrame:
    import pandas as pd

    counts = ~superseded(rows.step)
    values = rows.values[counts].T
    return pd.DataFrame(
        {
            "attempt": np.full(counts.sum(), attempt),
            "rank": np.full(counts.sum(), rank),
            "step": rows.step[counts],
            "time": pd.to_datetime(rows.time[counts], unit="us", utc=True),
            **{
                name: np.where(is_null(v), np.nan, v)
                for name, v in zip(COLUMNS, values, strict=True)
            },
        }
    )


def _by_step(frame: pd.DataFrame) -> pd.DataFrame:
    steps = frame.groupby("step", sort=True)
    loss, pace = steps["loss"], steps["seconds_to_backward"]
    found = steps.agg(ranks=("rank", "size"))
    # A mean without a rank is no mean.
    mean = loss.sum(skipna=False) / loss.size()
    found["loss_min"], found["loss_mean"], found["loss_max"] = loss.min(), mean, loss.max()
    found["highest_loss_rank"] = _where_most(frame, "loss")
    found["seconds_to_backward_median"] = pace.median()
    found["seconds_to_backward_max"] = pace.max()
    found["slowest_rank"] = _where_most(frame, "seconds_to_backward")
    return found.reset_index()


def _where_most(frame: pd.DataFrame, column: str) -> pd.Series[Any]:
    known = frame.dropna(subset=[column])
    places = known.groupby("step")[column].idxmax()
    return known.loc[places].set_index("step")["rank"].astype("float64")


def _mean(values: FloatArray) -> float:
    known = values[~is_null(values)]
    return float(known.mean()) if len(known) else float("nan")


def _state(rank: int, path: Path) -> RankState:
    rows = _rows(path, 1)
    made: dict[str, Any] = {}
    if rows is not None and len(rows):
        made = {"step": int(rows.step[-1]), "time": float(rows.time[-1]) / 1e6}
    return RankState(rank, **made, **_said(path))


def _said(journal: Path) -> dict[str, Any]:
    """Return what a rank says of itself, as far as it makes sense."""
    try:
        said = json.loads(read_file(status_path(journal), most=_MOST_BYTES) or b"{}")
        status = str(said.get("status", "running"))
        host, pid = str(said.get("host", ""))[:253], int(said.get("pid", 0))
        return {
            "n_ranks": max(int(said.get("n_ranks", 0)), 0),
            "told": min(max(float(said.get("time", 0.0)), 0.0), time.time()),
            "status": status if status in _STATUSES else "running",
            "error": str(said.get("error", ""))[:500],
            "host": host,
            "is_in_backward": said.get("is_in_backward") is True,
            "is_gone": host == socket.gethostname()
            and pid > 0
            and not is_still(pid, str(said.get("started", ""))),
        }
    except (ValueError, TypeError, AttributeError, OSError, OverflowError, RecursionError):
        return {}
