"""Rows of another tool as lrwatch judges them, and one line that says what was recognised."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from lrwatch.errors import InvalidArgument
from lrwatch.formats import counted
from lrwatch.importing.foreign_run import Choice, ForeignRun
from lrwatch.logs import read_log
from lrwatch.records import StepBlock, superseded

__all__ = ["OrderedRun", "ordered"]

_MOST_WITHOUT_STEP: Final = 0.2
_MOST_STEPS: Final = 2**53
_LAST_MOMENT: Final = 2**33 * 10**6
"""In the year 2242, in microseconds."""


@dataclass(frozen=True, slots=True)
class OrderedRun:
    """A foreign run whose rows are in order.

    Attributes
    ----------
    run
        As it was read.
    rows
        Its steps.
    recognised
        What it is, on one line: ``Keras CSVLogger, 30 rows, one an epoch``.
    assumed
        What was assumed to read it, in words.
    total_steps
        Planned number of steps, where known, in the unit of the rows' steps.
    """

    run: ForeignRun
    rows: StepBlock
    recognised: str
    assumed: tuple[str, ...]
    total_steps: int | None


def ordered(run: ForeignRun, choice: Choice) -> OrderedRun:
    """Put the rows of a run in order.

    Raises
    ------
    InvalidArgument
        If there is no loss among its columns, or no column that was chosen.
    """
    chosen = _chosen(run, choice)
    table, n_without = _with_steps(run.table, chosen)
    try:
        log = read_log(table, chosen)
    except InvalidArgument as error:
        hint = "" if "loss" in chosen else "; name the column of the loss with --loss"
        raise InvalidArgument(f"{error}{hint}") from error
    rows, assumed = _with_known_times(log.rows), [*log.assumed, *run.notes]
    if n_without:
        assumed.append(f"{counted(n_without, 'row')} without a step left out")
    every = choice.every or run.every or _usual_distance(rows)
    is_counted = run.is_by_epoch or log.is_numbered
    if choice.every is not None and is_counted:
        rows = rows.with_columns(step=rows.step * choice.every)
        assumed.append(f"a row stands for {counted(choice.every, 'step')}")
    again = superseded(rows.step)
    if again.any():
        n_again = counted(int(again.sum()), "row")
        assumed.append(f"{n_again} written again later on: the last writing counts")
        rows = rows[~again]
    assumed += _about_rates(table) if "lr" not in table.column_names else []
    total = run.total_steps if 1 <= (run.total_steps or 0) <= _MOST_STEPS else None
    if total is not None and choice.every is not None and is_counted:
        total *= choice.every
    line = _line(run, choice, rows, every)
    return OrderedRun(run, rows, line, tuple(dict.fromkeys(assumed)), total)


def _chosen(run: ForeignRun, choice: Choice) -> dict[str, str]:
    names = run.table.column_names
    for ours, theirs in choice.columns().items():
        if theirs not in names:
            raise InvalidArgument(
                f"there is no column {theirs!r} for --{ours}; there are: {', '.join(names)}"
            )
    known = {ours: theirs for ours, theirs in run.columns.items() if theirs in names}
    return known | choice.columns()


def _with_steps(table: pa.Table, chosen: Mapping[str, str]) -> tuple[pa.Table, int]:
    """Leave out the few rows whose step is not known; a table of many such is numbered instead."""
    name = chosen.get("step", "step")
    if name not in table.column_names or not table.num_rows:
        return table, 0
    n_null = table[name].null_count
    if not 0 < n_null <= _MOST_WITHOUT_STEP * table.num_rows:
        return table, 0
    return table.filter(pc.is_valid(table[name])), n_null


def _with_known_times(rows: StepBlock) -> StepBlock:
    """Forget times that no clock shows."""
    return rows.with_columns(time=np.where(rows.time < _LAST_MOMENT, rows.time, 0).clip(min=0))


def _usual_distance(rows: StepBlock) -> int:
    """Return how many steps lie between two losses, as a rule."""
    steps = rows.step[rows.loss_seen]
    forward = np.diff(steps)
    forward = forward[forward > 0]
    return int(np.median(forward)) if len(forward) else 1


def _line(run: ForeignRun, choice: Choice, rows: StepBlock, every: int) -> str:
    parts = [run.title, counted(int(rows.loss_seen.sum()), "row")]
    is_averaged = run.is_averaged or choice.every is not None
    if run.is_by_epoch and choice.every is None:
        parts.append("one an epoch")
    elif every > 1:
        steps = counted(every, "step")
        parts.append(f"loss averaged over {steps}" if is_averaged else f"one every {steps}")
    return ", ".join(parts)


def _about_rates(table: pa.Table) -> list[str]:
    """Say that there are more rates than the one that is judged."""
    rates = [name for name in table.column_names if name.startswith(("lr-", "lr/"))]
    if len(rates) <= 1:
        return []
    return [f"of {len(rates)} learning rates the first is judged: {', '.join(rates[:4])}"]
