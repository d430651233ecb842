"""Any table of steps as a `StepBlock`: pandas, polars, pyarrow or a mapping of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from lrwatch.errors import InvalidArgument
from lrwatch.records import FLOAT_COLUMNS, STEP_COLUMNS, StepBlock

__all__ = ["joined", "step_block"]


def step_block(table: Any) -> StepBlock:
    """Read a table of steps, one row a step, into numpy columns.

    Parameters
    ----------
    table
        A pandas or polars frame, a pyarrow table or a mapping of arrays, with at least
        ``step``, ``loss`` and ``lr``. Nulls become NaN; a null loss is also marked unseen.

    Raises
    ------
    InvalidArgument
        If one of the three is missing, or a column holds no numbers or has another length.

    Examples
    --------
    >>> block = step_block({"step": [0, 1], "loss": [2.0, None], "lr": [0.1, 0.1]})
    >>> block.loss.tolist(), block.loss_seen.tolist()
    ([2.0, nan], [True, False])
    """
    names = _column_names(table)
    missing = [name for name in ("step", "loss", "lr") if name not in names]
    if missing:
        raise InvalidArgument(
            "a table of steps needs the columns step, loss and lr; "
            f"{' and '.join(missing)} missing among: {', '.join(names) or 'none'}"
        )
    arrays = {name: _arrow(table, name) for name in names}
    n_steps = len(arrays["step"])
    for name, array in arrays.items():
        if len(array) != n_steps:
            raise InvalidArgument(f"column {name} has {len(array)} rows, step has {n_steps}")
    extra = [n for n in names if n not in STEP_COLUMNS and _is_number(arrays[n].type)]
    return StepBlock(
        step=_numbers(arrays["step"], "step", pa.int64()),
        time=_microseconds(arrays["time"]) if "time" in names else np.zeros(n_steps, np.int64),
        **{
            name: _numbers(arrays[name], name, pa.float64())
            if name in names
            else np.full(n_steps, np.nan)
            for name in FLOAT_COLUMNS
        },
        skipped=_flags(arrays["skipped"]) if "skipped" in names else np.zeros(n_steps, bool),
        loss_seen=_valid(arrays["loss"]),
        extra={name: _numbers(arrays[name], name, pa.float64()) for name in extra},
    )


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
        return column.combine_chunks()
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


def _numbers(array: pa.Array, name: str, kind: pa.DataType) -> Any:
    if kind == pa.int64() and array.null_count:
        raise InvalidArgument(f"column {name} must have a whole number in every row, got nulls")
    try:
        numbers = array.cast(kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
        raise InvalidArgument(f"column {name} must hold numbers: {error}") from error
    return _values(numbers)


def _microseconds(array: pa.Array) -> npt.NDArray[np.int64]:
    if not pa.types.is_timestamp(array.type):
        return np.zeros(len(array), np.int64)
    moments = array.cast(pa.timestamp("us", tz=array.type.tz), safe=False).cast(pa.int64())
    return _values(moments, missing=0)


def _flags(array: pa.Array) -> npt.NDArray[np.bool_]:
    return _values(array.cast(pa.bool_()).cast(pa.uint8()), missing=0).view(np.bool_)


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
