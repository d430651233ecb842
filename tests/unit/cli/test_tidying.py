"""Tags, notes, names, the archive and the trash, from the command line."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from stores import new_writer, row, write_run

from lrwatch.cli import main
from lrwatch.cli.live_list import LiveList

Said = Callable[[], tuple[str, str]]


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    folder = tmp_path / "runs"
    for name, width in (("a", 16), ("b", 64)):
        write_run(folder, name, config={"width": width, "lr": 0.1}, optimizer="AdamW")
    return folder


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> Said:
    def read() -> tuple[str, str]:
        found = capsys.readouterr()
        return found.out, found.err

    return read


def _listed(folder: Path, said: Said, *more: str) -> dict[str, dict[str, object]]:
    said()
    assert main(["ls", str(folder), "--json", *more]) == 0
    return {run["run"]: run for run in json.loads(said()[0])}


def test_tags_are_added_removed_and_shown(runs: Path, said: Said) -> None:
    assert main(["tag", str(runs / "a"), str(runs / "b"), "keep", "old"]) == 0
    assert main(["tag", str(runs / "b"), "-old", "--", "-keep"]) == 0
    assert _listed(runs, said)["a"]["tags"] == ["keep", "old"]
    assert list(_listed(runs, said, "--filter", "tag:keep -width:64")) == ["a"]
    assert main(["tag", str(runs / "a")]) == 0
    assert said()[0].endswith("a keep old\n")


def test_a_filter_chooses_what_is_listed_and_checked(runs: Path, said: Said) -> None:
    assert list(_listed(runs, said, "--filter", "width:16")) == ["a"]
    assert main(["check", str(runs), "--json", "--filter", "width:64 optimizer:adam"]) == 0
    assert [run["run"] for run in json.loads(said()[0])] == ["b"]
    assert main(["ls", str(runs), "--filter", "widht:16"]) == 2
    assert "no run has 'widht'; the names are name, verdict" in said()[1]
    assert main(["ls", str(runs), "--filter", "lr>"]) == 2
    assert main(["ls", str(runs), "--filter", "width:5"]) == 0
    assert "none of 2 runs matches 'width:5'" in said()[1]


@pytest.mark.slow
def test_runs_are_found_by_the_last_and_the_best_value_of_a_metric(runs: Path, said: Said) -> None:
    writer = new_writer(runs, "measured")
    writer.widen(["acc"])
    for step, acc in enumerate([0.5, 0.9, 0.7]):
        writer.append(row(step, writer, acc=acc))
    writer.close("finished")
    for wanted, found in (
        ("acc>0.8", []),
        ("best:acc>0.8", ["measured"]),
        ("acc<0.8 or width:16", ["a", "measured"]),
        ("-(acc>0 or width:16)", ["b"]),
    ):
        assert sorted(_listed(runs, said, "--filter", wanted)) == found
    assert main(["judge", str(runs)]) == 0  # from now on the table says what is known
    assert list(_listed(runs, said, "--filter", "best:acc>0.8")) == ["measured"]
    os.utime(writer.folder / "run.json", (0, 0))
    for part in (writer.folder / "steps").iterdir():
        os.utime(part, (0, 0))
    live = LiveList(runs, wanted="best:acc>0.8")
    for _ in range(2):  # the second look is at a run that rests
        assert live.look(60)
        assert [run.run for run in live.runs] == ["measured"]
    assert main(["ls", str(runs), "--filter", "(acc>0.8"]) == 2
    assert "a bracket is not closed" in said()[1]


def test_notes_and_names(runs: Path, said: Said) -> None:
    assert main(["note", str(runs / "a"), "**best** so far\n\x1b[31m"]) == 0
    assert main(["note", str(runs / "a")]) == 0
    assert said()[0] == "**best** so far\n\\x1b[31m\n"
    assert main(["rename", str(runs / "a"), "The one"]) == 0
    assert _listed(runs, said)["a"]["name"] == "The one"
    assert main(["ls", str(runs)]) == 0
    assert list(_listed(runs, said, "--filter", '"the one"')) == ["a"]
    assert main(["rename", str(runs / "a"), ""]) == 0
    assert main(["note", str(runs / "a"), ""]) == 0
    assert (_listed(runs, said)["a"]["name"], _listed(runs, said)["a"]["note"]) == ("a", "")


def test_a_pinned_run_comes_first_and_an_archived_one_only_when_asked_for(
    runs: Path, said: Said
) -> None:
    assert main(["pin", str(runs / "b")]) == 0
    assert list(_listed(runs, said)) == ["b", "a"]
    assert main(["archive", str(runs / "b")]) == 0
    assert list(_listed(runs, said)) == ["a"]
    assert list(_listed(runs, said, "--filter", "is:archived")) == ["b"]
    assert main(["archive", "--undo", str(runs / "b")]) == 0
    assert list(_listed(runs, said, "--filter", "is:all")) == ["b", "a"]


def test_removed_runs_come_back(runs: Path, said: Said) -> None:
    assert main(["rm", str(runs / "a")]) == 2  # nobody can answer
    assert "give --yes" in said()[1]
    assert main(["rm", "--yes", str(runs / "a"), str(runs / "b")]) == 0
    assert _listed(runs, said) == {}
    assert main(["rm", "--undo", str(runs / "a")]) == 0
    assert list(_listed(runs, said)) == ["a"]
    assert main(["rm", "--purge", "--yes", str(runs)]) == 0
    assert "1 run removed for good" in said()[0]
    assert main(["rm", "--undo", str(runs / "b")]) == 2
    assert "is not in the trash" in said()[1]


def test_a_running_run_is_refused_and_the_others_go(runs: Path, said: Said) -> None:
    live = new_writer(runs, "live")
    assert main(["rm", "--yes", str(live.folder), str(runs / "a"), str(runs / "none")]) == 2
    error = said()[1]
    assert "live is running" in error
    assert "there is no run at" in error
    assert sorted(_listed(runs, said)) == ["b", "live"]
    live.abandon()


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["tag", "RUNS", "keep"], "is not a run; give its folder"),
        (["tag", "RUNS/a", "RUNS/none"], "a tag has 1 to 60 characters"),
        (["note", "RUNS"], "is not a run"),
        (["pin", "RUNS"], "there is no run at"),
        (["rm", "--undo", "--purge", "RUNS/a"], "--undo goes with neither"),
    ],
)
def test_an_error_is_one_line(runs: Path, said: Said, arguments: list[str], problem: str) -> None:
    assert main([text.replace("RUNS", str(runs)) for text in arguments]) == 2
    error = said()[1]
    assert problem in error
    assert error.startswith("lrwatch: ")
    assert error.count("\n") == 1
