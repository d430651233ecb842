"""Numbers that a tool keeps series by series become rows: one for each loss."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa

from lrwatch import columns
from lrwatch.importing.foreign_run import Choice

__all__ = ["Series", "Value", "rows_of_series"]

_LAST_SECOND: Final = 2**33  # in the year 2242


class Value(NamedTuple):
    """A value of a series: lists of them are in the order in which they were written.

    `place` is where it stands among the values of all names; `step` and `value` are as logged;
    `time` is in seconds since the Unix epoch, 0 where unknown.
    """

    place: float
    step: int
    value: float
    time: float


Series: TypeAlias = list[Value]
"""The values of one name."""


def rows_of_series(series: Mapping[str, Series], choice: Choice) -> pa.Table:
    """Return a row for each value of the loss, with what else was logged for its step.

    What was logged for a step without a loss, as by a validation that counts epochs, stands in
    the row that was written before it. The first of several names of a loss, or any name where
    there is no loss, sets the rows.
    """
    lead = series[_lead(series, choice)]
    rows: dict[int, list[int]] = {}
    for i, value in enumerate(lead):
        rows.setdefault(value.step, []).append(i)
    table: dict[str, pa.Array] = {}
    if len(rows) > 1 or len(lead) == 1:
        table["step"] = pa.array([value.step for value in lead], pa.int64())
    for name, each in series.items():
        if name != "step":
            table[name] = _placed(each, lead, rows)
    seconds = np.array([value.time for value in lead], float)
    is_known = (seconds > 0) & (seconds < _LAST_SECOND)
    moments = (np.where(is_known, seconds, 0) * 1e6).astype(np.int64)
    if moments.any():
        table["time"] = pa.array(moments).cast(pa.timestamp("us", tz="UTC"))
    return pa.table(table)


def _lead(series: Mapping[str, Series], choice: Choice) -> str:
    names = list(series)
    if choice.loss in series:
        return str(choice.loss)
    if "loss" in series:
        return "loss"
    found = columns.meant(names, lambda name: len(series[name])).get("loss")
    parts = columns.parts_of_loss(names)
    return found or (parts or sorted(names, key=lambda name: -len(series[name])))[0]


def _placed(each: Series, lead: Series, rows: Mapping[int, list[int]]) -> pa.Array:
    """Put the values of a series into the rows: those for the step of a row take precedence."""
    if each is lead:
        return pa.array([value.value for value in lead], pa.float64())
    values: list[float | None] = [None] * len(lead)
    places = [value.place for value in lead]
    exact: dict[int, float] = {}
    for place, step, value, _ in each:
        same = rows.get(step)
        if same:
            exact[_nearest(same, lead, place)] = value
        else:
            values[max(bisect_right(places, place) - 1, 0)] = value
    for i, value in exact.items():
        values[i] = value
    return pa.array(values, pa.float64())


def _nearest(rows: Sequence[int], lead: Series, place: float) -> int:
    """Return the row of one step that was written nearest to a place: a resumed run has several."""
    return min(rows, key=lambda row: abs(lead[row].place - place))
