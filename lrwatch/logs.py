"""Logs as people have them: their rows in order, each whole, and what had to be assumed for it.

A log may come newest first, without rates or steps, with an epoch's fraction for a step, or
with rates and losses in rows of their own. `read_log` puts a whole table in order;
`Intake` does, row by row, what needs no later row, and so does it for a run that goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lrwatch.columns import VALIDATION
from lrwatch.records import FLOAT_COLUMNS, NULL, FloatArray, StepBlock
from lrwatch.tables import Table, step_block

__all__ = ["LARGEST", "LARGEST_LOSS", "Intake", "Log", "read_log", "rows_of"]

_OUT_OF_ORDER: Final = 0.2
"""Share of rows that go back from which on a table has no order: a resumed run goes back once."""

_NORMS: Final = ("grad_norm", "grad_norm_clipped", "param_norm", "update_norm")

LARGEST: Final = 1e150
"""The largest number told apart from larger ones; the inverse of the smallest."""

LARGEST_LOSS: Final = 1e302
"""The same of losses, which are added up and never squared."""

_SUMMARY: Final = "train_runtime"
"""A column that only the last line of a Hugging Face log has, which is no step."""

_BoolArray = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Log:
    """A table of steps put in order.

    Attributes
    ----------
    rows
        The steps, for `lrwatch.monitor.Monitor`.
    assumed
        What was assumed to read it, in words, without capitals or full stops.
    is_numbered
        Whether it has no whole steps, so that its rows are numbered.
    """

    rows: StepBlock
    assumed: tuple[str, ...]
    is_numbered: bool = False


class Intake:
    """Makes the rows of one run of what comes, block by block, the same in blocks of any size.

    Rows of a table without steps are numbered on. A first row whose loss is exactly 0 is left
    out. A row with a loss and no rate has the rate of the last row that had one; where rates
    come in rows of their own, those are left out. A number beyond `LARGEST` is taken for that,
    and a norm that is negative was not recorded.
    """

    def __init__(self) -> None:
        self._is_first = True
        self._next_step = 0
        self._lr = np.nan
        self._rates_apart = False

    def take(self, rows: Any) -> StepBlock:
        """Return the next rows.

        Parameters
        ----------
        rows
            A `StepBlock`, or any table that `lrwatch.tables.step_block` reads.

        Raises
        ------
        InvalidArgument
            As `lrwatch.tables.step_block`.
        """
        is_block = isinstance(rows, StepBlock)
        block = rows if is_block else step_block(rows, first_step=self._next_step)
        if not len(block):
            return block
        self._next_step = int(block.step[-1]) + 1
        if self._is_first and block.loss[0] == 0:
            block = block[1:]
        self._is_first = False
        block = _bounded(block)
        unseen = _has_no_loss(block)
        if unseen.any():
            loss = np.where(unseen, np.nan, block.loss)
            block = block.with_columns(loss=loss, loss_seen=block.loss_seen & ~unseen)
        bare = np.isfinite(block.loss) & np.isnan(block.lr)
        if self._rates_apart or bare.any():
            return self._joined(block, bare)
        self._lr = _last_known(block.lr, self._lr)
        return block

    def _joined(self, block: StepBlock, bare: _BoolArray) -> StepBlock:
        """Give losses without a rate the last one, and leave rows of rates alone out."""
        known = _carried(block.lr, self._lr)
        self._lr = float(known[-1])
        apart = self._rates_apart | np.logical_or.accumulate(bare & np.isfinite(known))
        self._rates_apart = bool(apart[-1])
        joined = block.with_columns(lr=np.where(bare, known, block.lr))
        return joined[~(apart & _is_rate_alone(block))]


def rows_of(run: Any) -> StepBlock:
    """Return a whole run in order: as it is, or a table as `read_log` reads it."""
    return run if isinstance(run, StepBlock) else read_log(run).rows


def read_log(table: Any, chosen: Mapping[str, str] | None = None) -> Log:
    """Read a whole table of steps, whatever its order.

    Parameters
    ----------
    table, chosen
        As for `lrwatch.tables.Table`.

    Raises
    ------
    InvalidArgument
        As `lrwatch.tables.step_block`.

    Examples
    --------
    >>> log = read_log({"step": [30, 20, 10], "loss": [1.0, 2.0, 3.0]})
    >>> log.rows.loss.tolist()
    [3.0, 2.0, 1.0]
    >>> log.assumed
    ('no learning rate is known', 'the newest row came first')
    """
    read = Table(table, chosen)
    assumed = _about_columns(read)
    rows, order = _without_asides(read.block(), read.order())
    rows, said = _in_order(rows, order, has_step=read.has_step)
    assumed += said
    whole = _merged(rows)
    apart = _rates_apart(whole)
    if apart.any():
        left_out = _is_rate_alone(whole)
        whole = whole.with_columns(lr=np.where(apart, _nearest(whole.lr), whole.lr))[~left_out]
        assumed.append("losses have the learning rate of the row before them")
    if len(whole) and whole.loss[0] == 0:
        assumed.append("the first row, a loss of exactly 0, is left out")
    return Log(whole, tuple(assumed), is_numbered=not read.has_step)


def _about_columns(read: Table) -> list[str]:
    """Say which columns stand for ours."""
    said = [
        f"{theirs} is the {_IN_WORDS[ours]}"
        for ours, theirs in read.renamed.items()
        if theirs.replace("_", " ") != _IN_WORDS[ours]
    ]
    if read.parts:
        said.append(f"the loss is {' + '.join(read.parts)}")
    if not read.has_step:
        what = "steps are no whole numbers" if read.order() is not None else "no steps are given"
        said.append(f"{what}: rows are numbered")
    if not np.isfinite(read.block().lr).any():
        said.append("no learning rate is known")
    return said


_IN_WORDS: Final = {
    "step": "step", "loss": "loss", "lr": "learning rate", "grad_norm": "gradient norm",
}  # fmt: skip


def _without_asides(
    rows: StepBlock, order: FloatArray | None
) -> tuple[StepBlock, FloatArray | None]:
    """Give what is no step of the training to the row of that step, or to the row before it.

    The latter where it is numbered otherwise, as validation that counts epochs.
    """
    if order is None or not len(rows):
        return rows, order
    known = [np.isfinite(getattr(rows, name)) for name in ("lr", *_NORMS)]
    is_step = rows.loss_seen | np.logical_or.reduce(known)
    before = np.maximum.accumulate(np.where(is_step, order, -np.inf))
    aside = ~is_step & (order <= before)
    if not aside.any():
        return rows, order
    extra = {name: values.copy() for name, values in rows.extra.items()}
    owner = np.maximum.accumulate(np.where(~aside, np.arange(len(rows)), 0))
    for values in extra.values():
        at = np.flatnonzero(aside & ~np.isnan(values))
        values[owner[at]] = values[at]
    return rows.with_columns(extra=extra)[~aside], order[~aside]


def _in_order(
    rows: StepBlock, order: FloatArray | None, *, has_step: bool
) -> tuple[StepBlock, list[str]]:
    """Sort rows by their steps; not those of a resumed run, which goes back and writes again."""
    if order is None or not np.isfinite(order).all():
        return rows, []
    moves = np.diff(order)
    n_back = int(np.count_nonzero(moves < 0))
    is_resumed = n_back <= _OUT_OF_ORDER * len(rows) and len(np.unique(order)) < len(order)
    if not n_back or is_resumed:
        return rows, []
    is_newest_first = not np.any(moves > 0)
    at = np.arange(len(rows))[::-1] if is_newest_first else np.argsort(order, kind="stable")
    ordered = rows[at]
    if not has_step:
        ordered = ordered.with_columns(step=rows.step)
    return ordered, ["the newest row came first" if is_newest_first else "rows are sorted by step"]


def _merged(rows: StepBlock) -> StepBlock:
    """Make one row of neighbours at one step that complement each other: rate, loss, validation."""
    if not len(rows):
        return rows
    known = {name: ~np.isnan(getattr(rows, name)) for name in FLOAT_COLUMNS}
    clash = np.logical_or.reduce([column[1:] & column[:-1] for column in known.values()])
    joins = np.append(False, (rows.step[1:] == rows.step[:-1]) & ~clash)
    joins[2:] &= ~joins[1:-1]  # two by two
    if not joins.any():
        return rows
    after = np.append(joins[1:], False)
    columns: dict[str, Any] = {}
    for name in FLOAT_COLUMNS:
        columns[name] = _filled_from_next(getattr(rows, name), after)
    columns["loss_seen"] = rows.loss_seen | np.append(after[:-1] & rows.loss_seen[1:], False)
    columns["extra"] = {k: _filled_from_next(v, after) for k, v in rows.extra.items()}
    return rows.with_columns(**columns)[~joins]


def _filled_from_next(values: FloatArray, where: _BoolArray) -> FloatArray:
    following = np.append(values[1:], np.nan)
    return np.where(where & np.isnan(values), following, values)


def _rates_apart(rows: StepBlock) -> _BoolArray:
    """Rows with a loss and no rate, of a log that has rates in rows of their own."""
    bare = np.isfinite(rows.loss) & np.isnan(rows.lr)
    return bare & _is_rate_alone(rows).any()


def _is_rate_alone(rows: StepBlock) -> _BoolArray:
    norms = np.logical_or.reduce([np.isfinite(getattr(rows, name)) for name in _NORMS])
    alone = np.isnan(rows.loss) & np.isfinite(rows.lr) & ~norms
    return np.asarray(alone & ~_has_no_loss(rows))


def _bounded(rows: StepBlock) -> StepBlock:
    """Keep finite numbers within bounds, so that squares, sums and quotients of them are finite."""
    bounded: dict[str, Any] = {}
    for name in FLOAT_COLUMNS:
        values = getattr(rows, name)
        largest = LARGEST_LOSS if name == "loss" else LARGEST
        least, most = np.fmin.reduce(values, initial=np.inf), np.fmax.reduce(values, initial=0.0)
        if least >= 1 / largest and most <= largest:  # nearly always
            continue
        size = np.abs(values)
        negative = (values < 0) & (name in _NORMS)
        large = (size > largest) & (size < np.inf)
        small = (size < 1 / largest) & (size > 0)
        if large.any() or small.any() or negative.any():
            sign = np.copysign(1.0, values)
            values = np.where(large, sign * largest, values)
            values = np.where(small, 0.0 if name == "loss" else sign / largest, values)
            bounded[name] = np.where(negative, NULL, values)
    return rows.with_columns(**bounded) if bounded else rows


def _has_no_loss(rows: StepBlock) -> _BoolArray:
    """Rows that were written for a loss on other data, or to sum a run up."""
    unseen = np.zeros(len(rows), bool)
    for name in (*VALIDATION, _SUMMARY):
        if name in rows.extra:
            unseen |= np.isnan(rows.loss) & np.isfinite(rows.extra[name])
    return unseen


def _carried(values: FloatArray, before: float) -> FloatArray:
    """Fill what is unknown with the last known value."""
    joined = np.append(before, values)
    at = np.maximum.accumulate(np.where(np.isnan(joined), 0, np.arange(len(joined))))
    return joined[at][1:]


def _nearest(values: FloatArray) -> FloatArray:
    """Fill what is unknown with the last known value, and at the beginning with the first."""
    first = values[~np.isnan(values)][:1]
    return _carried(values, float(first[0]) if len(first) else np.nan)


def _last_known(values: FloatArray, before: float) -> float:
    known = values[~np.isnan(values)]
    return float(known[-1]) if len(known) else before
