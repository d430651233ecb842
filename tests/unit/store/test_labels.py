"""What people say of a run: kept beside it, whatever else writes there."""

from __future__ import annotations

import json
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from stores import write_run

from lrwatch.errors import InvalidArgument, RunNotFound, RunUnreadable
from lrwatch.store import Catalog, list_runs
from lrwatch.store.labels import RunLabels, change_labels, read_labels, tagged


def test_what_is_said_is_there_for_other_programs_and_what_they_said_stays(tmp_path: Path) -> None:
    run = write_run(tmp_path, "a")
    (run / "labels.json").write_text('{"stars": 5, "tags": ["mine"]}')
    change_labels(run, lambda said: tagged(replace(said, note="**é**", pinned=True), add=("keep",)))
    assert json.loads((run / "labels.json").read_text()) == {
        "stars": 5,
        "format": 1,
        "name": "",
        "tags": ["mine", "keep"],
        "note": "**é**",
        "pinned": True,
        "archived": False,
    }
    assert [path.name for path in run.iterdir() if path.name.startswith(".")] == []


def test_a_listing_has_it_and_the_age_of_the_run_stays(tmp_path: Path) -> None:
    run = write_run(tmp_path, "a")
    for path in (*run.rglob("*"), run):
        os.utime(path, (1e9, 1e9))
    catalog = Catalog(tmp_path)
    assert catalog.list_runs()[0].shown_name == "a"
    change_labels(run, lambda said: replace(said, name="The one", archived=True))
    entry = catalog.list_runs()[0]
    assert (entry.shown_name, entry.labels.archived, entry.last_write) == ("The one", True, 1e9)


def test_of_two_who_write_at_once_both_are_heard(tmp_path: Path) -> None:
    run = write_run(tmp_path, "a")
    with ThreadPoolExecutor(4) as pool:
        names = [f"t{i}" for i in range(12)]
        list(pool.map(lambda t: change_labels(run, lambda said: tagged(said, add=(t,))), names))
    assert sorted(read_labels(run).tags) == sorted(names)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "{",
        '{"format": 9}',
        '{"format": true, "a"',
        "[" * 5000,
        '"x"',
        "\x00",
        "1" * 300_000,
    ],
)
def test_a_damaged_file_says_nothing_and_is_not_written_over(tmp_path: Path, content: str) -> None:
    run = write_run(tmp_path, "a")
    (run / "labels.json").write_text(content)
    assert read_labels(run) == RunLabels()
    assert list_runs(tmp_path)[0].problem == ""
    with pytest.raises(RunUnreadable, match="cannot be read"):
        change_labels(run, lambda said: tagged(said, add=("a",)))
    assert (run / "labels.json").read_text() == content


def test_what_others_wrote_counts_as_far_as_it_is_allowed(tmp_path: Path) -> None:
    run = write_run(tmp_path, "a")
    odd = {"name": "a\nb", "tags": ["ok", "ok", 1, "no blank", "-x", "<b>"], "note": 3, "pinned": 1}
    (run / "labels.json").write_text(json.dumps(odd))
    assert read_labels(run) == RunLabels(name="a\\nb", tags=("ok",))
    (run / "labels.json").unlink()
    (run / "labels.json").symlink_to("/etc/passwd")
    assert read_labels(run) == RunLabels()


@pytest.mark.parametrize(
    "labels",
    [
        RunLabels(tags=("no blank",)),
        RunLabels(tags=("",)),
        RunLabels(tags=("-x",)),
        RunLabels(tags=("runs/a",)),
        RunLabels(tags=tuple(map(str, range(41)))),
        RunLabels(note="x" * 20_001),
        RunLabels(name="a\x1b"),
    ],
)
def test_what_is_not_allowed_is_refused(tmp_path: Path, labels: RunLabels) -> None:
    run = write_run(tmp_path, "a")
    with pytest.raises(InvalidArgument, match="got"):
        change_labels(run, lambda _: labels)
    assert not (run / "labels.json").exists()


def test_nothing_is_said_of_what_is_no_run(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound):
        change_labels(tmp_path, lambda said: said)
    assert not list(tmp_path.iterdir())


def test_a_slash_in_a_name_is_kept_and_the_folder_has_none(tmp_path: Path) -> None:
    folders = [write_run(tmp_path / "deep", "org/model").name for _ in range(2)]
    assert folders == ["org-model", "org-model-2"]
    assert [e.shown_name for e in list_runs(tmp_path)] == ["deep/org/model", "deep/org/model-2"]
    # A folder that was renamed since is called what it is called now.
    (tmp_path / "deep" / "org-model").rename(tmp_path / "deep" / "best")
    assert [e.shown_name for e in list_runs(tmp_path)] == ["deep/best", "deep/org/model-2"]


def test_a_lock_that_a_kill_left_holds_up_nobody_for_long(tmp_path: Path) -> None:
    run = write_run(tmp_path, "a")
    (run / ".labels.lock").touch()
    os.utime(run / ".labels.lock", (1e9, 1e9))
    assert change_labels(run, lambda said: tagged(said, add=("a",))).tags == ("a",)
