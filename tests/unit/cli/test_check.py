"""``lrwatch check``: verdicts for people, JSON and exit statuses for scripts."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from stores import write_run

import lrwatch
from lrwatch.cli import main

Captured = pytest.CaptureFixture[str]

KEYS = [
    "run",
    "path",
    "verdict",
    "learning_rate",
    "confidence",
    "first_alarm_step",
    "interval",
    "reason",
    "advice",
    "suggested_lr",
    "evidence",
    "problem",
    "assumed",
    "kind",
    "recognised",
    "troubles",
]


def check_json(capsys: Captured, *arguments: str) -> list[dict[str, Any]]:
    main(["check", "--json", *arguments])
    found = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert isinstance(found, list)
    return found


def test_a_good_run_exits_with_0(store: Path) -> None:
    assert main(["check", str(store / "fine")]) == 0


def test_a_flagged_run_exits_with_1(store: Path) -> None:
    assert main(["check", str(store / "fine"), str(store / "blown up")]) == 1


@pytest.mark.parametrize(
    ("fail_on", "status"),
    [("too_high", 1), ("too_low", 0), ("diverging", 1), ("oscillating, too_low", 0), ("ok", 0)],
)
def test_fail_on_chooses_what_is_flagged(store: Path, fail_on: str, status: int) -> None:
    assert main(["check", str(store / "blown up"), "--fail-on", fail_on]) == status


def test_an_undecided_run_can_be_flagged(store: Path) -> None:
    assert main(["check", str(store / "empty")]) == 0
    assert main(["check", str(store / "empty"), "--fail-on", "unknown"]) == 1


@pytest.mark.parametrize("fail_on", ["too_hihg", "too_high,x", ",", ""])
def test_fail_on_names_the_words_that_are_allowed(
    store: Path, fail_on: str, capsys: Captured
) -> None:
    assert main(["check", str(store), "--fail-on", fail_on]) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "expected words among" in err
    assert "stalled, too_high, too_low, unknown" in err


@pytest.mark.slow
def test_json_holds_the_documented_keys(store: Path, capsys: Captured) -> None:
    assert [list(run) for run in check_json(capsys, str(store))] == [KEYS] * 4


@pytest.mark.slow
def test_every_key_of_the_json_is_documented(store: Path, capsys: Captured) -> None:
    text = (Path(__file__).parents[3] / "docs" / "command-line.md").read_text(encoding="utf-8")
    main(["ls", "--json", str(store)])
    listed = json.loads(capsys.readouterr().out)[0]
    assert not [key for key in {*KEYS, *listed} if f"`{key}`" not in text]


@pytest.mark.slow
def test_json_says_what_the_library_says(store: Path, capsys: Captured) -> None:
    run = check_json(capsys, str(store / "blown up"))[0]
    diagnosis = lrwatch.diagnose(store / "blown up")
    assert run["verdict"] == diagnosis.verdict == "diverging"
    assert run["interval"] == list(diagnosis.interval or ())
    assert [test["name"] for test in run["evidence"]] == [e.name for e in diagnosis.evidence]


@pytest.mark.slow
def test_people_read_verdict_reason_and_advice(store: Path, capsys: Captured) -> None:
    main(["check", str(store / "blown up")])
    out = capsys.readouterr().out
    assert out.startswith("✗ diverging  blown up\n    Loss is not finite from step 200 on")
    assert "(confidence 0." in out
    assert "\n    Try " in out


@pytest.mark.slow
def test_several_runs_end_in_a_summary(store: Path, capsys: Captured) -> None:
    main(["check", str(store / "blown up"), str(store / "fine"), str(store / "empty")])
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == "3 runs: 1 too high, 1 cannot tell, 1 nothing to do"


def test_an_unreadable_run_exits_with_2_and_hides_no_other(store: Path, capsys: Captured) -> None:
    assert main(["check", str(store)]) == 2
    out, err = capsys.readouterr()
    assert "blown up" in out
    assert err.startswith(f"lrwatch: {store / 'damaged'}: ")
    assert err.count("\n") == 1


def test_a_path_that_is_not_there_exits_with_2(store: Path, capsys: Captured) -> None:
    assert main(["check", str(store / "nowhere"), str(store / "fine")]) == 2
    out, err = capsys.readouterr()
    assert "fine" in out
    assert "does not exist" in err


def test_a_folder_without_runs_exits_with_2(tmp_path: Path, capsys: Captured) -> None:
    assert main(["check", str(tmp_path)]) == 2
    assert f"there are no runs in {tmp_path}" in capsys.readouterr().err


def test_a_file_of_another_kind_exits_with_2(tmp_path: Path, capsys: Captured) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    assert main(["check", str(tmp_path / "notes.txt")]) == 2
    assert "neither a run nor a log that is recognised" in capsys.readouterr().err


@pytest.mark.slow
@pytest.mark.parametrize("ending", [".csv", ".parquet"])
def test_a_table_of_steps_gets_the_verdict_of_its_run(
    store: Path, tmp_path: Path, ending: str, capsys: Captured
) -> None:
    table = tmp_path / f"lr=0.1{ending}"
    assert main(["export", str(store / "blown up"), "--to", str(table)]) == 0
    capsys.readouterr()
    of_run = check_json(capsys, str(store / "blown up"))[0]
    of_table = check_json(capsys, str(table))[0]
    assert of_table["run"] == table.name
    said = KEYS[2:-3]
    assert {key: of_table[key] for key in said} == {key: of_run[key] for key in said}
    assert (of_run["kind"], of_table["kind"]) == ("lrwatch", "lrwatch-table")


def test_a_csv_of_pandas_is_read(tmp_path: Path, capsys: Captured) -> None:
    steps = range(200)
    frame = pd.DataFrame({"step": steps, "loss": [1 / (1 + s) for s in steps], "lr": 0.1})
    frame.to_csv(tmp_path / "log.csv")  # with an index column without a name
    assert check_json(capsys, str(tmp_path / "log.csv"))[0]["problem"] is None


def test_an_nan_in_a_csv_is_a_value_and_an_empty_field_is_not(
    tmp_path: Path, capsys: Captured
) -> None:
    rows = [f"{s},{1 + 1 / (1 + s)},0.1" for s in range(100)]
    verdicts = []
    for last in ("nan", ""):
        tail = [f"{s},{last},0.1" for s in range(100, 120)]
        (tmp_path / "log.csv").write_text("\n".join(["step,loss,lr", *rows, *tail]))
        verdicts.append(check_json(capsys, str(tmp_path / "log.csv"))[0]["verdict"])
    assert verdicts[0] == "diverging"
    assert verdicts[1] != "diverging"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("garbage.parquet", b"PAR1 this is no parquet file"),
        ("empty.parquet", b""),
        ("empty.csv", b""),
        ("other.csv", b"a,b\n1,2\n"),
        ("words.csv", b"step,loss,lr\n0,high,0.1\n"),
        ("ragged.csv", b"step,loss,lr\n0,1\n"),
        ("binary.csv", bytes(range(256))),
    ],
)
def test_a_table_that_cannot_be_read_says_why_in_one_line(
    tmp_path: Path, name: str, content: bytes, capsys: Captured
) -> None:
    (tmp_path / name).write_bytes(content)
    assert main(["check", str(tmp_path / name)]) == 2
    err = capsys.readouterr().err
    assert err.startswith(f"lrwatch: {tmp_path / name}: ")
    assert err.count("\n") == 1


def test_the_planned_length_of_a_run_is_known_to_its_diagnosis(
    tmp_path: Path, capsys: Captured
) -> None:
    write_run(tmp_path, "a", steps=range(40), total_steps=100_000)
    run = check_json(capsys, str(tmp_path / "a"))[0]
    assert run["reason"] == lrwatch.diagnose(tmp_path / "a").reason
