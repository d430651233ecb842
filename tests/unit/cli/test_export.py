"""``lrwatch export``: the same numbers in one file, and no file lost."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

import lrwatch
from lrwatch.cli import main

Captured = pytest.CaptureFixture[str]


def test_the_help_has_a_line_for_each_kind_of_file(capsys: Captured) -> None:
    assert main(["export", "--help"]) == 0
    assert "\n  steps.parquet              Parquet\n" in capsys.readouterr().out


def test_parquet_holds_what_read_gives(store: Path, tmp_path: Path) -> None:
    target = tmp_path / "run.parquet"
    assert main(["export", str(store / "blown up"), "--to", str(target)]) == 0
    pd.testing.assert_frame_equal(pd.read_parquet(target), lrwatch.read(store / "blown up"))


def test_csv_holds_the_same_numbers(store: Path, tmp_path: Path) -> None:
    target = tmp_path / "run.csv"
    assert main(["export", str(store / "fine"), "--to", str(target)]) == 0
    written, read = pd.read_csv(target), lrwatch.read(store / "fine")
    assert list(written) == list(read)
    pd.testing.assert_series_equal(written["loss"], read["loss"])


def test_csv_keeps_nan_and_missing_apart(store: Path, tmp_path: Path) -> None:
    target = tmp_path / "run.csv"
    main(["export", str(store / "blown up"), "--to", str(target)])
    last = target.read_text().splitlines()[-1].split(",")
    assert math.isnan(float(last[2]))  # loss
    assert last[4] == ""  # gradient norm


def test_the_ending_may_be_in_capitals(store: Path, tmp_path: Path) -> None:
    assert main(["export", str(store / "fine"), "--to", str(tmp_path / "RUN.CSV")]) == 0


def test_a_file_that_is_there_stays(store: Path, tmp_path: Path, capsys: Captured) -> None:
    target = tmp_path / "run.csv"
    target.write_text("precious")
    assert main(["export", str(store / "fine"), "--to", str(target)]) == 2
    assert target.read_text() == "precious"
    assert "already exists; add --force to replace it" in capsys.readouterr().err


def test_force_replaces_a_file(store: Path, tmp_path: Path) -> None:
    target = tmp_path / "run.csv"
    target.write_text("old")
    assert main(["export", str(store / "fine"), "--to", str(target), "--force"]) == 0
    assert target.read_text().startswith('"step"')


def test_another_ending_is_refused_before_anything_is_read(
    store: Path, tmp_path: Path, capsys: Captured
) -> None:
    assert main(["export", str(store / "nowhere"), "--to", str(tmp_path / "run.xlsx")]) == 2
    assert "steps.csv, steps.parquet, steps.arrow; got 'run.xlsx'" in capsys.readouterr().err


@pytest.mark.parametrize("run", ["nowhere", ".", "damaged"])
def test_what_is_no_readable_run_leaves_no_file(store: Path, tmp_path: Path, run: str) -> None:
    target = tmp_path / "out" / "run.csv"
    target.parent.mkdir()
    assert main(["export", str(store / run), "--to", str(target)]) == 2
    assert list(target.parent.iterdir()) == []


def test_a_folder_that_is_not_there_is_named(store: Path, tmp_path: Path, capsys: Captured) -> None:
    target = tmp_path / "nowhere" / "run.csv"
    assert main(["export", str(store / "fine"), "--to", str(target)]) == 2
    err = capsys.readouterr().err
    assert err.count("\n") == 1
    assert str(target.parent) in err


def test_an_empty_run_becomes_a_table_without_rows(store: Path, tmp_path: Path) -> None:
    target = tmp_path / "run.parquet"
    assert main(["export", str(store / "empty"), "--to", str(target)]) == 0
    assert len(pd.read_parquet(target)) == 0
