"""The commands that judge a whole store, and keep what they found."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import duckdb
import pytest
from judged_stores import table_of, write_jobs
from sources import ROOT

import lrwatch
from lrwatch.cli import main

pytestmark = pytest.mark.slow

READING = ROOT / "docs/reading.md"


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LRWATCH_CACHE_DIR", "")
    return write_jobs(tmp_path / "runs")


def test_judge_says_how_many_were_judged(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["judge", str(store)]) == 0
    assert "6 runs: 6 judged, 0 unchanged" in capsys.readouterr().out
    assert table_of(store).is_file()
    assert main(["judge", str(store)]) == 0
    assert "6 runs: 0 judged, 6 unchanged" in capsys.readouterr().out
    assert main(["judge", str(store), "--anew", "--jobs", "1"]) == 0
    assert "6 runs: 6 judged, 0 unchanged" in capsys.readouterr().out


def test_commands_say_the_same_with_a_table_and_without(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    commands = (["ls"], ["ls", "--alone"], ["check"], ["suggest"], ["compare"])

    def answers() -> list[str]:
        for command in commands:
            main([*command, str(store), "--json"])
        return [capsys.readouterr().out]

    without = answers()
    assert not table_of(store).exists()
    main(["judge", str(store)])
    capsys.readouterr()
    assert answers() == without


def test_compare_says_which_rate_won(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", str(store)]) == 0
    assert capsys.readouterr().out.strip() == str(lrwatch.compare(store))
    assert main(["compare", str(store), "--json"]) == 0
    assert len(json.loads(capsys.readouterr().out)["sweeps"]) == 2


def test_a_run_that_cannot_be_compared_is_named(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (store / "d2-lr-0.1" / "run.json").write_text("garbage")
    assert main(["compare", str(store)]) == 0
    assert "d2-lr-0.1: run.json" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--jobs", "0"], "--jobs"),
        (["--dask", "nonsense"], "no Dask scheduler answers at nonsense"),
    ],
)
def test_workers_that_cannot_be_had_are_an_error(
    store: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], said: str
) -> None:
    assert main(["judge", str(store), *arguments]) == 2
    assert said in capsys.readouterr().err


def test_the_lines_that_read_the_table_run_as_they_are_printed(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocks = re.findall(r"```python\n(.*?)```", READING.read_text("utf-8"), re.DOTALL)
    (block,) = [block for block in blocks if ".lrwatch-verdicts" in block]
    main(["judge", str(store)])
    monkeypatch.chdir(store.parent)
    found: dict[str, Any] = {"duckdb": duckdb}
    exec(block, found)
    assert {row[0]: row[1] for row in found["best_rates"]} == {
        "d2-lr-0.001": 0.1,
        "d5-lr-0.001": 0.1,
    }
    flagged = lrwatch.compare(store).verdicts
    assert {row[0]: row[1] for row in found["flagged"]} == {
        key: verdict for key, verdict in flagged.items() if verdict != "ok"
    }


def test_where_nothing_can_be_kept_judge_says_so(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (store / ".lrwatch-verdicts").write_text("in the way")
    assert main(["judge", str(store)]) == 2
    assert "LRWATCH_CACHE_DIR" in capsys.readouterr().err
