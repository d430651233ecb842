"""The words of the domain: one step's numbers, a block of steps, and what is known of a run.

Everything above this layer speaks in these types; nothing here touches torch, a disk or a
clock.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = [
    "FLOAT_COLUMNS",
    "GROUP_COLUMNS",
    "LAYER_COLUMNS",
    "NULL",
    "STEP_COLUMNS",
    "FloatArray",
    "RunInfo",
    "RunState",
    "StepBlock",
    "is_null",
    "rising",
    "superseded",
]

FloatArray = npt.NDArray[np.float64]

FLOAT_COLUMNS = ("loss", "lr", "grad_norm", "grad_norm_clipped", "param_norm", "update_norm")
"""The numbers of every step, in the order in which they are stored."""

STEP_COLUMNS = ("step", "time", *FLOAT_COLUMNS, "skipped")
"""All columns that every run has; others are logged by the user or belong to a group."""

GROUP_COLUMNS = ("lr", "grad_norm", "param_norm", "update_norm")
"""Kinds of columns by parameter group, as ``grad_norm/GROUP``."""

LAYER_COLUMNS = ("layer_grad_norm", "layer_param_norm", "layer_update_norm")
"""Kinds of columns by layer, as ``layer_grad_norm/MODULE``."""

_NULL_BITS = 0x7FF8_5F4E_554C_4C5F  # a quiet NaN whose low bytes spell "_NULL_"

NULL: float = struct.unpack("<d", struct.pack("<Q", _NULL_BITS))[0]
"""The NaN that stands for "not recorded", told from a NaN that was recorded by its bits."""


RunState = Literal["running", "silent", "finished", "interrupted", "failed", "unreadable", "gone"]
"""What a run does: as in ``run.json``; ``silent`` if it calls itself running and no rows come,
``unreadable`` if ``run.json`` is, ``gone`` if its folder was removed."""


@dataclass(frozen=True, slots=True)
class RunInfo:
    """What is known of a run beside its steps; the content of ``run.json``.

    Attributes
    ----------
    id
        Identity that survives a rename of the folder.
    name
        What the user called the run.
    status
        ``running``, ``finished``, ``interrupted`` (by the keyboard, or by `StopTraining`) or
        ``failed`` (by an exception). A run killed from outside stays ``running``; readers look
        at the age of its last row.
    created_at, ended_at
        Seconds since the Unix epoch, UTC.
    optimizer
        Class name of the optimizer.
    n_parameters
        How many numbers it trains; ``None`` where unknown.
    parameter_groups
        Name of each parameter group, in order.
    config
        What the user passed to `watch`; JSON types only.
    total_steps
        Planned number of steps, where known.
    group
        Name that several runs of one job share; ``None`` for a run of its own.
    environment
        Versions of Python, lrwatch and what trains, and the platform.
    host, command, cwd
        Machine, command line, with what looks like a secret left out, and working folder.
    git_commit, git_dirty
        Commit of the code, and whether tracked files differed from it; ``None`` where unknown.
    error
        What ended the run, in a line, if an exception did.
    lost_rows
        Rows that could not be written, because a disk stayed full for too long, say.
    format
        Version of the run folder's format.
    """

    id: str
    name: str
    status: str = "running"
    created_at: float = 0.0
    ended_at: float | None = None
    optimizer: str = ""
    n_parameters: int | None = None
    parameter_groups: tuple[str, ...] = ()
    config: Mapping[str, Any] = field(default_factory=dict)
    total_steps: int | None = None
    group: str | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    host: str = ""
    command: str = ""
    cwd: str = ""
    git_commit: str | None = None
    git_dirty: bool | None = None
    error: str | None = None
    lost_rows: int = 0
    format: int = 1


@dataclass(frozen=True, slots=True)
class StepBlock:
    """Consecutive steps of one run as numpy columns, in the order in which they happened.

    All arrays have shape ``(n_steps,)``. A value that was not recorded is NaN; so is a value
    that was NaN. Only for the loss does the difference matter, and `loss_seen` keeps it.

    Attributes
    ----------
    step
        Number of the optimizer step, int64.
    time
        When the step ended: microseconds since the Unix epoch (UTC), int64; 0 where unknown.
    loss, lr, grad_norm, grad_norm_clipped, param_norm, update_norm
        As in the contract of `lrwatch.read`, float64.
    skipped
        The optimizer step was skipped (overflow under mixed precision), bool.
    loss_seen
        False where no loss was recorded, bool.
    extra
        Any other column, by name, float64.
    """

    step: npt.NDArray[np.int64]
    time: npt.NDArray[np.int64]
    loss: FloatArray
    lr: FloatArray
    grad_norm: FloatArray
    grad_norm_clipped: FloatArray
    param_norm: FloatArray
    update_norm: FloatArray
    skipped: npt.NDArray[np.bool_]
    loss_seen: npt.NDArray[np.bool_]
    extra: Mapping[str, FloatArray] = field(default_factory=dict)

    def __len__(self) -> int:
        """Return the number of steps."""
        return len(self.step)

    def __getitem__(self, rows: slice | npt.NDArray[np.bool_ | np.intp]) -> StepBlock:
        """Return the chosen steps, as views where `rows` is a slice."""
        names = (*STEP_COLUMNS, "loss_seen")
        columns = {name: getattr(self, name)[rows] for name in names}
        return StepBlock(**columns, extra={k: v[rows] for k, v in self.extra.items()})

    def with_columns(self, **columns: Any) -> StepBlock:
        """Return the steps with other values in the given columns."""
        return replace(self, **columns)


def is_null(values: FloatArray) -> npt.NDArray[np.bool_]:
    """Tell which values are `NULL`, rather than numbers or NaNs that were recorded.

    Examples
    --------
    >>> is_null(np.array([1.0, NULL, np.nan])).tolist()
    [False, True, False]
    """
    return np.asarray(np.ascontiguousarray(values).view(np.uint64) == _NULL_BITS)


def superseded(step: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
    """Mark the rows that a resumed run wrote again: those whose step comes again later on.

    Parameters
    ----------
    step
        Step numbers in the order of writing, shape ``(n_rows,)``.

    Examples
    --------
    >>> superseded(np.array([0, 1, 2, 3, 2, 3, 4])).tolist()
    [False, False, True, True, False, False, False]
    """
    if len(step) == 0 or bool(np.all(step[1:] > step[:-1])):
        return np.zeros(len(step), bool)
    least_later = np.minimum.accumulate(step[::-1])[::-1]
    return np.append(step[:-1] >= least_later[1:], False)


def rising(block: StepBlock) -> Iterator[StepBlock]:
    """Cut rows where a resumed run goes back, so that steps rise within each piece.

    Examples
    --------
    >>> import lrwatch.tables
    >>> again = {"step": [0, 1, 2, 1, 2], "loss": [3, 2, 1, 2, 1], "lr": [0.1] * 5}
    >>> [piece.step.tolist() for piece in rising(lrwatch.tables.step_block(again))]
    [[0, 1, 2], [1, 2]]
    """
    seams = np.flatnonzero(block.step[1:] <= block.step[:-1]) + 1
    edges = (0, *seams.tolist(), len(block))
    return (block[begin:end] for begin, end in itertools.pairwise(edges) if end > begin)
