"""``lrwatch ls``: every run, worst first, in a form that fits the reader."""

from __future__ import annotations

import io
import json
import re
from pathlib import Path

import pytest
from rich.console import Console
from stores import write_run

from lrwatch.cli import listing, main
from lrwatch.cli.judging import ListedRun, judge_entry, worst_first
from lrwatch.store import list_runs

Captured = pytest.CaptureFixture[str]


def table_of(store: Path, width: int) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None)
    return listing.table(worst_first(map(judge_entry, list_runs(store))), console)


def test_runs_are_listed_worst_first(store: Path, capsys: Captured) -> None:
    assert main(["ls", str(store)]) == 0
    lines = capsys.readouterr().out.splitlines()
    names = [line.split("\t")[1] for line in lines]
    assert names == ["run", "blown up", "damaged", "empty", "fine"]


@pytest.mark.slow
def test_in_a_pipe_a_run_is_one_line_without_colours(store: Path, capsys: Captured) -> None:
    main(["ls", str(store)])
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert {line.count("\t") for line in out.splitlines()} == {6}


def test_json_holds_the_documented_keys(store: Path, capsys: Captured) -> None:
    assert main(["ls", str(store), "--json"]) == 0
    runs = json.loads(capsys.readouterr().out)
    assert [list(run) for run in runs] == [
        [
            "run",
            "path",
            "verdict",
            "learning_rate",
            "confidence",
            "reason",
            "peak_lr",
            "suggested_lr",
            "last_loss",
            "steps",
            "total_steps",
            "status",
            "last_write",
            "problem",
            "name",
            "tags",
            "note",
            "pinned",
            "archived",
        ]
    ] * len(runs)


@pytest.mark.slow
def test_json_is_strict_about_numbers_that_are_none(store: Path, capsys: Captured) -> None:
    main(["ls", str(store), "--json"])
    out = capsys.readouterr().out
    runs = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name} in the JSON"))
    blown_up = next(run for run in runs if run["run"] == "blown up")
    assert (blown_up["verdict"], blown_up["last_loss"]) == ("diverging", None)


@pytest.mark.slow
def test_a_run_that_cannot_be_read_says_why(store: Path, capsys: Captured) -> None:
    main(["ls", str(store), "--json"])
    damaged = json.loads(capsys.readouterr().out)[1]
    assert (damaged["run"], damaged["verdict"]) == ("damaged", None)
    assert "cannot be read as JSON" in damaged["problem"]


@pytest.mark.slow
def test_an_empty_run_is_no_guess(store: Path, capsys: Captured) -> None:
    main(["ls", str(store), "--json"])
    empty = json.loads(capsys.readouterr().out)[2]
    assert (empty["verdict"], empty["steps"]) == ("insufficient_data", 0)


@pytest.mark.slow
@pytest.mark.parametrize("width", [60, 80, 120, 200])
def test_the_table_fits_the_terminal(store: Path, width: int) -> None:
    for line in table_of(store, width).splitlines():
        assert len(line) <= width


@pytest.mark.slow
def test_a_reason_stands_below_each_run_that_needs_one(store: Path) -> None:
    lines = [line.rstrip() for line in table_of(store, 120).splitlines()]
    at = next(i for i, line in enumerate(lines) if line.startswith("✗ diverging"))
    assert lines[at + 1].strip().startswith("Loss is not finite from step 200 on")
    assert lines[-1].startswith("● ok")


def test_a_long_name_keeps_both_its_ends(tmp_path: Path) -> None:
    write_run(tmp_path, f"begin-{'x' * 100}-end")
    assert re.search(r" begin-x+…x+-end ", table_of(tmp_path, 80))


def test_names_are_neither_markup_nor_control_characters(tmp_path: Path, capsys: Captured) -> None:
    write_run(tmp_path, "a").rename(tmp_path / "[red]a \x1b]0;x\x07\n")
    assert main(["ls", str(tmp_path)]) == 0
    assert "\t[red]a \\x1b]0;x\\x07\\n\t" in capsys.readouterr().out
    assert "[red]a \\x1b]0;x" in table_of(tmp_path, 120)


def test_a_name_that_is_no_text_is_listed(tmp_path: Path, capsys: Captured) -> None:
    write_run(tmp_path, "a").rename(tmp_path / "a\udcff")
    assert main(["ls", str(tmp_path)]) == 0
    assert "a\\udcff" in capsys.readouterr().out
    assert main(["ls", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["run"] == "a\udcff"


def test_an_empty_folder_says_what_writes_runs(tmp_path: Path, capsys: Captured) -> None:
    assert main(["ls", str(tmp_path)]) == 0
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert "lrwatch.watch" in err


def test_an_empty_folder_is_an_empty_list_in_json(tmp_path: Path, capsys: Captured) -> None:
    assert main(["ls", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []


def test_a_folder_that_is_not_there_is_named(tmp_path: Path, capsys: Captured) -> None:
    assert main(["ls", str(tmp_path / "nowhere")]) == 2
    assert f"{tmp_path / 'nowhere'} does not exist" in capsys.readouterr().err


@pytest.mark.slow
def test_the_folder_is_runs_by_default(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    monkeypatch.chdir(store.parent)
    assert main(["ls"]) == 0
    assert "blown up" in capsys.readouterr().out


def test_the_folder_of_a_run_lists_it_by_its_name(store: Path, capsys: Captured) -> None:
    main(["ls", str(store / "fine"), "--json"])
    assert [run["run"] for run in json.loads(capsys.readouterr().out)] == ["fine"]


def test_of_equal_verdicts_names_decide() -> None:
    runs = [ListedRun(name, Path(name), problem="damaged") for name in ("b", "a")]
    assert [run.run for run in worst_first(runs)] == ["a", "b"]
