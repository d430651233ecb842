"""Any table of steps as a `StepBlock`: pandas, polars, pyarrow or a mapping of arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lrwatch import columns
from lrwatch.errors import InvalidArgument
from lrwatch.records import FLOAT_COLUMNS, NULL, STEP_COLUMNS, FloatArray, StepBlock

__all__ = ["Table", "joined", "step_block"]

_LARGEST: Final = 2.0**53
"""Beyond it a floating-point number cannot tell one step from the next."""


class Table:
    """The columns of a table, each by the name that it has here.

    Parameters
    ----------
    table
        A pandas or polars frame, a pyarrow table or a mapping of arrays.
    chosen
        Its names for columns of a step, where they are known: our name, its name.

    Attributes
    ----------
    names
        What the table calls its columns.
    renamed
        Its name for each column of a step that it calls otherwise than we do.
    parts
        Columns that were added up to a loss, in a table that has no other.
    has_step
        Whether there is a whole number to tell steps by; rows are numbered where there is not.

    Raises
    ------
    InvalidArgument
        If it has no loss, or columns differ in length, or one of a step holds no numbers.
    """

    def __init__(self, table: Any, chosen: Mapping[str, str] | None = None) -> None:
        self.names = _column_names(table)
        self._arrays = {name: _arrow(table, name) for name in self.names}
        self.renamed = columns.meant(self.names, self._n_known, chosen or {})
        if self._counts_epochs(self.renamed.get("step", "")):
            del self.renamed["step"]
        self._arrays |= {ours: self._arrays[theirs] for ours, theirs in self.renamed.items()}
        self.parts = [] if "loss" in self._arrays else columns.parts_of_loss(self.names)
        if "loss" not in self._arrays and not self.parts:
            raise InvalidArgument(
                "a table of steps needs a column loss; "
                f"it is missing among: {', '.join(self.names) or 'none'}"
            )
        self._n_rows = len(self._arrays[self.parts[0] if self.parts else "loss"])
        for name, array in self._arrays.items():
            if len(array) != self._n_rows:
                raise InvalidArgument(
                    f"column {name} has {len(array)} rows, loss has {self._n_rows}"
                )
        self._step = self._steps()
        self.has_step = self._step is not None

    def block(self, first_step: int = 0) -> StepBlock:
        """Return the rows; those of a table without steps are numbered from `first_step` on."""
        numbered = np.arange(first_step, first_step + self._n_rows, dtype=np.int64)
        loss, seen = self._loss()
        numbers: dict[str, Any] = {"loss": loss}
        for name in FLOAT_COLUMNS[1:]:
            numbers[name] = self._floats(name, NULL)
        skipped = self._arrays.get("skipped")
        time = self._arrays.get("time")
        return StepBlock(
            step=numbered if self._step is None else self._step,
            time=np.zeros(self._n_rows, np.int64) if time is None else _microseconds(time),
            **numbers,
            skipped=np.zeros(self._n_rows, bool) if skipped is None else _flags(skipped),
            loss_seen=seen,
            extra=self._extra(),
        )

    def order(self) -> FloatArray | None:
        """Return steps that are no whole numbers, epochs say; ``None`` where there are none."""
        return self._floats("step", np.nan) if "step" in self._arrays else None

    def _counts_epochs(self, name: str) -> bool:
        """Tell whether a column says of many rows in which epoch they were, and numbers none."""
        if name.lower() != "epoch":
            return False
        array = self._arrays[name]
        return bool(2 * len(array.unique()) < len(array))

    def _n_known(self, name: str) -> int:
        array = self._arrays[name]
        if not _is_number(array.type):
            return -1
        return int(np.isfinite(_values(array.cast(pa.float64()))).sum())

    def _steps(self) -> npt.NDArray[np.int64] | None:
        if "step" not in self._arrays:
            return None
        array = self._arrays["step"]
        if pa.types.is_integer(array.type) and not array.null_count:
            return np.asarray(_numbers(array, "step", pa.int64()))
        numbers = self._floats("step", np.nan)
        is_whole = np.abs(numbers) < _LARGEST  # False for NaN
        is_whole &= np.where(is_whole, numbers, 0.5) % 1 == 0
        return numbers.astype(np.int64) if is_whole.all() else None

    def _floats(self, name: str, missing: float) -> FloatArray:
        if name not in self._arrays:
            return np.full(self._n_rows, missing)
        return np.asarray(_numbers(self._arrays[name], name, pa.float64(), missing))

    def _loss(self) -> tuple[FloatArray, npt.NDArray[np.bool_]]:
        if not self.parts:
            return self._floats("loss", np.nan), _valid(self._arrays["loss"])
        parts = [self._floats(name, np.nan) for name in self.parts]
        seen = np.logical_and.reduce([_valid(self._arrays[name]) for name in self.parts])
        return np.sum(parts, axis=0), seen

    def _extra(self) -> Mapping[str, FloatArray]:
        return {
            name: self._floats(name, np.nan)
            for name in self.names
            if name not in STEP_COLUMNS and _is_number(self._arrays[name].type)
        }


def step_block(table: Any, *, first_step: int = 0) -> StepBlock:
    """Read a table of steps, one row a step, into numpy columns.

    Parameters
    ----------
    table
        A pandas or polars frame, a pyarrow table or a mapping of arrays, with at least
        ``loss``, under this name or one that other loggers use. Nulls become NaN; a null loss
        is also marked unseen.
    first_step
        Number of the first row, in a table without whole steps.

    Raises
    ------
    InvalidArgument
        If there is no loss, or a column holds no numbers or has another length.

    Examples
    --------
    >>> block = step_block({"step": [0, 1], "loss": [2.0, None], "lr": [0.1, 0.1]})
    >>> block.loss.tolist(), block.loss_seen.tolist()
    ([2.0, nan], [True, False])
    >>> step_block({"train_loss": [2.0, 1.9]}).step.tolist()
    [0, 1]
    """
    return Table(table).block(first_step)


def joined(blocks: Sequence[StepBlock]) -> StepBlock:
    """Put blocks, one or more, one after the other; what one of them does not have is NaN."""
    if len(blocks) == 1:
        return blocks[0]
    extra = dict.fromkeys(name for block in blocks for name in block.extra)
    return StepBlock(
        **{
            name: np.concatenate([getattr(block, name) for block in blocks])
            for name in (*STEP_COLUMNS, "loss_seen")
        },
        extra={
            name: np.concatenate(
                [block.extra.get(name, np.full(len(block), np.nan)) for block in blocks]
            )
            for name in extra
        },
    )


def _column_names(table: Any) -> list[str]:
    names = getattr(table, "column_names", None)  # pyarrow
    if names is None:
        names = getattr(table, "columns", table)  # pandas, polars; a mapping gives its keys
    return [str(name) for name in names]


def _arrow(table: Any, name: str) -> pa.Array:
    column = table[name]
    if hasattr(column, "to_arrow"):  # polars
        column = column.to_arrow()
    if isinstance(column, pa.ChunkedArray):
        # To combine them is to copy them, also where all but one are empty.
        chunks = [chunk for chunk in column.chunks if len(chunk)]
        return chunks[0] if len(chunks) == 1 else column.combine_chunks()
    if isinstance(column, pa.Array):
        return column
    try:
        # A NaN stays a value: only what the table itself calls null is null.
        array = pa.array(column, from_pandas=False)
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        raise InvalidArgument(f"column {name} cannot be read: {error}") from error
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_floating(kind) or pa.types.is_integer(kind))


def _numbers(array: pa.Array, name: str, kind: pa.DataType, missing: float = np.nan) -> Any:
    try:
        numbers = array.cast(kind, safe=kind == pa.int64())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InvalidArgument(f"column {name} must hold numbers: {error}") from error
    return _values(numbers, missing)


def _microseconds(array: pa.Array) -> npt.NDArray[np.int64]:
    if not pa.types.is_timestamp(array.type):
        return np.zeros(len(array), np.int64)
    moments = array.cast(pa.timestamp("us", tz=array.type.tz), safe=False).cast(pa.int64())
    return _values(moments, missing=0)


def _flags(array: pa.Array) -> npt.NDArray[np.bool_]:
    try:
        flags = array.cast(pa.bool_())
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InvalidArgument(f"column skipped must hold true or false: {error}") from error
    return _values(flags.cast(pa.uint8()), missing=0).view(np.bool_)


def _valid(array: pa.Array) -> npt.NDArray[np.bool_]:
    return _values(array.is_valid().cast(pa.uint8())).view(np.bool_)


def _values(array: pa.Array, missing: float = np.nan) -> npt.NDArray[Any]:
    """Return numbers as numpy, with another one for nulls.

    `pyarrow.Array.to_numpy` and `pyarrow.compute.fill_null` would do it, and import pandas into
    the training process, half a second of it.
    """
    if not array.null_count:
        return np.from_dlpack(array)
    held = np.frombuffer(array.buffers()[1], array.type.to_pandas_dtype())
    numbers = held[array.offset : array.offset + len(array)]
    return np.where(_valid(array), numbers, np.array(missing, numbers.dtype))
