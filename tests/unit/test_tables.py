from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from lrwatch.errors import InvalidArgument
from lrwatch.tables import step_block

COLUMNS: dict[str, list[Any]] = {
    "step": [0, 1, 2],
    "loss": [2.0, math.nan, 1.0],
    "lr": [0.1, 0.1, 0.1],
    "grad_norm": [1.0, math.inf, 0.5],
    "skipped": [False, True, False],
    "accuracy": [0.1, 0.2, 0.3],
}


@pytest.mark.parametrize("kind", [dict, pd.DataFrame, pl.DataFrame, pa.table])
def test_any_kind_of_table_is_read(kind: Any) -> None:
    block = step_block(kind(COLUMNS))
    assert len(block) == 3
    assert block.step.tolist() == [0, 1, 2]
    assert block.grad_norm.tolist() == [1.0, math.inf, 0.5]
    assert block.skipped.tolist() == [False, True, False]
    assert block.extra["accuracy"].tolist() == [0.1, 0.2, 0.3]
    assert np.isnan(block.update_norm).all()
    assert block.loss_seen.all()  # a NaN is a value


@pytest.mark.parametrize(
    "loss",
    [
        pd.array([1.0, None, 2.0], dtype="Float64"),
        pa.array([1.0, None, 2.0]),
        [1.0, None, 2.0],
        pl.Series([1.0, None, 2.0]),
    ],
)
def test_a_null_loss_is_marked_unseen(loss: Any) -> None:
    block = step_block({"step": [0, 1, 2], "loss": loss, "lr": [0.1] * 3})
    assert block.loss_seen.tolist() == [True, False, True]
    assert math.isnan(block.loss[1])


def test_times_become_microseconds() -> None:
    moments = pd.to_datetime(["2026-01-01", "2026-01-02"], utc=True)
    frame = pd.DataFrame({"step": [0, 1], "loss": [1.0, 1.0], "lr": [0.1, 0.1], "time": moments})
    block = step_block(frame)
    assert (block.time[1] - block.time[0]) == 86_400 * 10**6


def test_whole_numbers_and_float32_are_taken() -> None:
    block = step_block(
        {
            "step": np.array([0.0, 1.0]),
            "loss": np.array([2, 1]),
            "lr": np.array([0.5, 0.5], dtype=np.float32),
        }
    )
    assert block.step.dtype == np.int64
    assert block.loss.tolist() == [2.0, 1.0]
    assert block.lr.dtype == np.float64


def test_texts_among_other_columns_are_left_out() -> None:
    block = step_block({**COLUMNS, "note": ["a", "b", "c"]})
    assert "note" not in block.extra


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        ({"step": [0], "lr": [0.1]}, "needs a column loss; it is missing among: step, lr"),
        ({}, "missing among: none"),
        ({"step": [0], "loss": ["high"], "lr": [0.1]}, "column loss must hold numbers"),
        ({"step": [0, 1], "loss": [1.0], "lr": [0.1]}, "column step has 2 rows, loss has 1"),
        ({"step": ["x"], "loss": [1.0], "lr": [0.1]}, "column step must hold numbers"),
    ],
)
def test_what_is_wrong_with_a_table_is_said(table: dict[str, Any], problem: str) -> None:
    with pytest.raises(InvalidArgument, match=problem):
        step_block(table)


def test_blocks_are_cut_with_everything_in_them() -> None:
    block = step_block(COLUMNS)[1:]
    assert block.step.tolist() == [1, 2]
    assert block.extra["accuracy"].tolist() == [0.2, 0.3]
    assert block.loss_seen.tolist() == [True, True]
