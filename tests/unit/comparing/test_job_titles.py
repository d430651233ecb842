"""Several jobs in one store: each answer says of which job it speaks."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

import lrwatch
from lrwatch.cli import main
from lrwatch.comparing.job_titles import job_titles


@pytest.fixture
def two_jobs(tmp_path: Path) -> Path:
    """Two sweeps of loops without an optimizer of torch, that have no settings."""
    for job, start in (("digits", 2.3), ("language", 10.9)):
        for lr in (0.01, 0.1):
            run = lrwatch.open_run(dir=tmp_path, name=f"{job}-{lr}", system=False)
            for step in range(60):
                run.record(loss=start * math.exp(-step * lr), lr=lr)
            run.finish()
    return tmp_path


def test_jobs_without_settings_are_told_by_their_runs(
    two_jobs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    first, second = str(lrwatch.compare(two_jobs)).splitlines()
    assert first.startswith("digits-0.01 and digits-0.1: ")
    assert second.startswith("language-0.01 and language-0.1: ")
    assert main(["suggest", str(two_jobs)]) == 0
    titles = [text.splitlines()[0] for text in capsys.readouterr().out.split("\n\n")]
    assert titles == ["digits-0.01 and digits-0.1", "language-0.01 and language-0.1"]


def test_settings_tell_jobs_where_they_differ() -> None:
    wide, narrow = {"width": 32, "depth": 2}, {"width": 16, "depth": 2}
    assert job_titles([(wide, ["a"]), (narrow, ["b"])]) == ["width 32", "width 16"]
    both = [(wide, ["a"]), (wide, ["b"]), (narrow, ["c"])]
    assert job_titles(both) == ["width 32: a", "width 32: b", "width 16"]
    same = {"optimizer": "SGD", "group": ""}
    assert job_titles([(same, ["a"]), (same | {"group": None}, ["b"])]) == ["a", "b"]


def test_of_many_runs_the_first_is_named_and_a_name_moves_no_cursor() -> None:
    assert job_titles([({}, [*"abcde"]), ({}, ["f"])]) == ["a and 4 others", "f"]
    assert job_titles([({"text": "\x1b[2J"}, ["a"]), ({}, ["b"])]) == ["text \\x1b[2J", "b"]
    assert job_titles([({"width": 16}, ["a"])]) == ["all runs"]
