"""A log of another tool is judged from Python as from the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import log_samples
import pytest

import lrwatch
from lrwatch.cli import main
from lrwatch.errors import InvalidArgument, RunNotFound
from lrwatch.importing import foreign_run

MADE = [
    log_samples.huggingface,
    log_samples.keras,
    log_samples.tensorboard,
    log_samples.wandb,
    log_samples.detectron2,
    log_samples.nanogpt,
]


@pytest.mark.parametrize("made", MADE)
def test_diagnose_says_what_check_says(
    made: Callable[[Path], Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = made(tmp_path)
    assert main(["check", str(log), "--json"]) in (0, 1)
    (listed,) = json.loads(capsys.readouterr().out)
    found = lrwatch.diagnose(log)
    assert (found.verdict, found.reason) == (listed["verdict"], listed["reason"])
    assert lrwatch.diagnose_sweep({"a": log})["a"].reason == found.reason


def test_a_log_of_several_runs_is_refused(tmp_path: Path) -> None:
    log_samples.keras(tmp_path)
    log_samples.huggingface(tmp_path)
    with pytest.raises(InvalidArgument, match="2 runs, and one is expected; `lrwatch check`"):
        lrwatch.diagnose(tmp_path)


def test_what_is_no_log_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("bought milk", encoding="utf-8")
    with pytest.raises(RunNotFound, match="neither a run nor a log"):
        lrwatch.diagnose(tmp_path / "notes.txt")
    with pytest.raises(RunNotFound, match="there is no run here"):
        lrwatch.diagnose(tmp_path / "gone")


def test_a_store_of_runs_is_no_log(tmp_path: Path) -> None:
    lrwatch.open_run(dir=tmp_path / "runs", name="a").finish()
    assert foreign_run(tmp_path / "runs") is None
    assert foreign_run(tmp_path / "runs" / "a") is None
    with pytest.raises(RunNotFound, match="not a run"):
        lrwatch.diagnose(tmp_path / "runs")
