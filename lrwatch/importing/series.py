"""Numbers that a tool keeps series by series become rows: one for each loss."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import pyarrow as pa

from lrwatch import columns
from lrwatch.importing.foreign_run import Choice

__all__ = ["Series", "rows_of_series"]

_NO_TIME: Final = 0.0
_LAST_SECOND: Final = 2**33  # in the year 2242


@dataclass(slots=True)
class Series:
    """The values of one name, in the order in which they were written.

    Attributes
    ----------
    place
        Where each stands among the values of all names.
    step, value
        As logged.
    time
        Seconds since the Unix epoch; 0 where unknown.
    """

    place: list[float] = field(default_factory=list)
    step: list[int] = field(default_factory=list)
    value: list[float] = field(default_factory=list)
    time: list[float] = field(default_factory=list)

    def add(self, place: float, step: int, value: float, time: float = _NO_TIME) -> None:
        """Add a value."""
        self.place.append(place)
        self.step.append(step)
        self.value.append(value)
        self.time.append(time)


def rows_of_series(series: Mapping[str, Series], choice: Choice) -> pa.Table:
    """Return a row for each value of the loss, with what else was logged for its step.

    What was logged for a step without a loss, as by a validation that counts epochs, stands in
    the row that was written before it. The first of several names of a loss, or any name where
    there is no loss, sets the rows.
    """
    lead = series[_lead(series, choice)]
    steps = np.array(lead.step, np.int64)
    rows: dict[int, list[int]] = {}
    for i, step in enumerate(lead.step):
        rows.setdefault(step, []).append(i)
    table: dict[str, pa.Array] = {}
    if len(np.unique(steps)) > 1 or len(steps) == 1:
        table["step"] = pa.array(steps)
    for name, each in series.items():
        if name != "step":
            table[name] = _placed(each, lead, rows)
    seconds = np.array(lead.time, float)
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
    found = columns.meant(names, lambda name: len(series[name].step)).get("loss")
    parts = columns.parts_of_loss(names)
    return found or (parts or sorted(names, key=lambda name: -len(series[name].step)))[0]


def _placed(each: Series, lead: Series, rows: Mapping[int, list[int]]) -> pa.Array:
    """Put the values of a series into the rows: those for the step of a row take precedence."""
    values: list[float | None] = [None] * len(lead.step)
    if each is lead:
        return pa.array(lead.value, pa.float64())
    exact: dict[int, float] = {}
    for place, step, value in zip(each.place, each.step, each.value, strict=True):
        same = rows.get(step)
        if same:
            exact[_nearest(same, lead, place)] = value
        else:
            values[max(bisect_right(lead.place, place) - 1, 0)] = value
    for i, value in exact.items():
        values[i] = value
    return pa.array(values, pa.float64())


def _nearest(rows: Sequence[int], lead: Series, place: float) -> int:
    """Return the row of one step that was written nearest to a place: a resumed run has several."""
    return min(rows, key=lambda row: abs(lead.place[row] - place))
