"""`lrwatch.judge`: one run, one row of plain values, whatever is at the path."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

import lrwatch
from lrwatch.judging.rows import ROW_SCHEMA


def test_a_row_says_what_diagnose_says(store: Path) -> None:
    path = store / "d2-lr-0.001"
    row, found = lrwatch.judge(path), lrwatch.diagnose(path)
    assert row["verdict"] == found.verdict
    assert (row["reason"], row["confidence"]) == (found.reason, found.confidence)
    assert (row["suggested_lr"], row["advice"]) == (found.suggested_lr, found.advice)
    assert (row["key"], row["steps"], row["peak_lr"]) == ("d2-lr-0.001", 64, 0.001)
    assert json.loads(row["config"]) == {"lr": 0.001, "depth": 2}
    assert row["state"] == "finished"


def test_a_row_has_the_columns_of_the_table_and_goes_to_any_process(store: Path) -> None:
    row = lrwatch.judge(store / "d2-lr-0.1")
    assert list(row) == ROW_SCHEMA.names
    assert {type(value) for value in row.values()} <= {str, int, float, type(None)}
    assert pickle.loads(pickle.dumps(lrwatch.judge)) is lrwatch.judge
    assert pickle.loads(pickle.dumps(row)) == row


@pytest.mark.parametrize("what", ["nothing", "a file", "damaged", "no part"])
def test_what_cannot_be_read_is_a_row_too(store: Path, what: str) -> None:
    path = store / "d2-lr-0.1"
    if what == "nothing":
        path = store / "nowhere"
    elif what == "a file":
        path = path / "run.json"
    elif what == "damaged":
        (path / "run.json").write_text("garbage")
    else:
        next((path / "steps").iterdir()).write_bytes(b"garbage")
    row = lrwatch.judge(path)
    assert row["problem"]
    assert str(store) not in row["problem"]
    assert row["verdict"] == "unreadable"
    assert list(row) == ROW_SCHEMA.names


@pytest.mark.slow
def test_a_row_that_comes_and_a_setting_that_changes_are_another_source(store: Path) -> None:
    path = store / "d2-lr-0.1"
    before = lrwatch.judge(path)["source"]
    assert lrwatch.judge(path)["source"] == before
    description = path / "run.json"
    description.write_text(description.read_text().replace('"depth": 2', '"depth": 3'))
    changed = lrwatch.judge(path)["source"]
    (path / "journal-000000000064.bin").write_bytes(b"\0" * 64)
    assert len({before, changed, lrwatch.judge(path)["source"]}) == 3
