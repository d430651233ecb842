"""Cells as other tools write them become columns: numbers, flags, times, or texts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from lrwatch.importing.foreign_run import Trouble

__all__ = ["RawTable", "number_of", "typed", "with_time"]

_NULLS: Final = frozenset({"", "null", "none", "na", "n/a", "nil", "-", "--", "<na>", "nat"})
"""What stands for "not recorded", in lower case. NaN does not: a loss of NaN is a finding."""

_ODD_NUMBER: Final = re.compile(
    r"(?P<sign>[+-]?)(?:1\.#(?P<word>INF|QNAN|SNAN|IND)\d*|(?P<nan>nan)\s*\([^)]*\))", re.IGNORECASE
)
"""How C libraries write infinity and NaN."""

_WRAPPED: Final = re.compile(r"(?:tensor|np\.float\d+|float)\(\s*([^\s,)]+)[^)]*\)")

_FLAGS: Final = {"true": True, "false": False}

_MOST_TOLD: Final = 5
"""Troubles of one kind that are told one by one."""

_TIMES: Final = ("time", "_timestamp", "timestamp", "wall_time", "datetime", "date")
_SECONDS: Final = (1e9, 4e9)  # from 2001 to 2096, since the Unix epoch
_MICROSECONDS: Final = 10**6


@dataclass(slots=True)
class RawTable:
    """The cells of a table before it is known what they are.

    Attributes
    ----------
    path
        The file.
    columns
        By name, one cell a row: a text, or a value of JSON.
    lines
        The line of each row.
    troubles
        What of the file could not be read.
    """

    path: Path
    columns: dict[str, list[Any]] = field(default_factory=dict)
    lines: list[int] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)

    @classmethod
    def of_rows(cls, path: Path, rows: Sequence[tuple[int, Mapping[str, Any]]]) -> RawTable:
        """Make a table of lines and their rows, which need not all have the same names."""
        stripped = [{str(name).strip(): cell for name, cell in row.items()} for _, row in rows]
        names = dict.fromkeys(name for row in stripped for name in row)
        columns = {name: [row.get(name) for row in stripped] for name in names}
        return cls(path, columns, [line for line, _ in rows])

    def add_troubles(self, found: Sequence[tuple[int, str]]) -> None:
        """Add troubles by line; of many, the first few and how many there are."""
        self.troubles += [Trouble(self.path, line, what) for line, what in found[:_MOST_TOLD]]
        if n_more := len(found[_MOST_TOLD:]):
            self.troubles.append(Trouble(self.path, None, f"{n_more} more lines like these"))


def number_of(cell: Any) -> float | str | None:
    """Return a cell as a number, ``None`` if nothing was recorded, the text if it is neither.

    Examples
    --------
    >>> number_of("1e-3"), number_of("NA"), number_of("-1.#IND"), number_of("Infinity")
    (0.001, None, nan, inf)
    >>> number_of("tensor(2.5, device='cuda:0')"), number_of("high")
    (2.5, 'high')
    """
    if cell is None or isinstance(cell, bool):
        return None
    if isinstance(cell, (int, float)):
        try:
            return float(cell)
        except OverflowError:
            return None
    return _spelt(cell) if isinstance(cell, str) else None


def _spelt(text: str) -> float | str | None:
    try:
        return float(text)
    except ValueError:
        pass
    text = text.strip().strip("\"'")
    if text.lower() in _NULLS:
        return None
    wrapped = _WRAPPED.fullmatch(text)
    if wrapped is not None:
        return _spelt(wrapped[1])
    odd = _ODD_NUMBER.fullmatch(text)
    if odd is None:
        return text
    size = np.inf if (odd["word"] or "").upper() == "INF" else np.nan
    return -size if odd["sign"] == "-" else size


def typed(raw: RawTable) -> pa.Table:
    """Return a table whose columns hold numbers, flags, times or texts.

    A text among numbers is left out and added to the troubles.
    """
    columns = {name: _typed(raw, name, cells) for name, cells in raw.columns.items()}
    return with_time(pa.table(columns))


def _typed(raw: RawTable, name: str, cells: Sequence[Any]) -> pa.Array:
    if {*map(type, cells)} == {str}:
        try:
            return pa.array([float(cell) for cell in cells], pa.float64())
        except ValueError:
            pass
    known = [cell for cell in cells if cell is not None]
    if known and all(isinstance(cell, bool) for cell in known):
        return pa.array(cells, pa.bool_())
    numbers = [number_of(cell) for cell in cells]
    texts = [i for i, value in enumerate(numbers) if isinstance(value, str)]
    if not texts:
        return pa.array(numbers, pa.float64())
    if len(texts) < sum(value is not None for value in numbers):
        raw.add_troubles([(raw.lines[i], f"{name} is {str(cells[i])[:40]!r}") for i in texts])
        return pa.array([None if isinstance(v, str) else v for v in numbers], pa.float64())
    words = [value if value is None else str(value).lower() for value in numbers]
    others = [i for i, word in enumerate(words) if word is not None and word not in _FLAGS]
    if 2 * len(others) < len(texts):
        raw.add_troubles([(raw.lines[i], f"{name} is {str(cells[i])[:40]!r}") for i in others])
        return pa.array([_FLAGS.get(word or "") for word in words], pa.bool_())
    return _moments(pa.array(numbers, pa.string()))


def _moments(texts: pa.Array) -> pa.Array:
    """Return texts as times, where all of them are."""
    for zone in ("UTC", None):
        try:
            found = texts.cast(pa.timestamp("us", tz=zone))
        except pa.ArrowInvalid:
            continue
        return found.cast(pa.timestamp("us", tz="UTC"))
    return texts


def with_time(table: pa.Table) -> pa.Table:
    """Return the table with its moments in a column ``time``, where it has any."""
    for name in _TIMES:
        if name in table.column_names:
            moments = _as_moments(table[name])
            if moments is not None:
                return table.drop_columns(
                    list({name, "time"} & {*table.column_names})
                ).append_column("time", moments)
    return table


def _as_moments(column: pa.ChunkedArray) -> pa.Array | None:
    kind = column.type
    if pa.types.is_timestamp(kind):
        return column.cast(pa.timestamp("us", tz="UTC"), safe=False)
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind)):
        return None
    seconds = np.asarray(column.cast(pa.float64()).fill_null(np.nan).to_numpy())
    known = seconds[np.isfinite(seconds)]
    for unit in (1.0, 1e3, 1e6):
        if (
            len(known)
            and (known >= _SECONDS[0] * unit).all()
            and (known < _SECONDS[1] * unit).all()
        ):
            whole = np.where(np.isfinite(seconds), seconds / unit * _MICROSECONDS, 0)
            moments = pa.array(whole.astype(np.int64), mask=~np.isfinite(seconds))
            return moments.cast(pa.timestamp("us", tz="UTC"))
    return None
