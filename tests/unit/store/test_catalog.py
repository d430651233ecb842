from __future__ import annotations

import json
import math
import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from stores import write_run

import lrwatch
from lrwatch.errors import RunNotFound
from lrwatch.store import Catalog, catalog, list_runs
from lrwatch.store.run_info import read_run_info, write_run_info


@pytest.fixture
def looked_into(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Record which runs are read, instead of trusted to be as they were."""
    names: list[str] = []

    def read(folder: Path) -> Any:
        names.append(folder.name)
        return read_run_info(folder)

    monkeypatch.setattr(catalog, "read_run_info", read)
    return names


def _age(run: Path, seconds: float = 60.0) -> None:
    then = time.time() - seconds
    for path in [*run.rglob("*"), run]:
        os.utime(path, (then, then))


def test_runs_are_found_at_every_depth_and_sorted(tmp_path: Path) -> None:
    write_run(tmp_path / "b" / "c", "deep")
    write_run(tmp_path, "a")
    assert [entry.key for entry in list_runs(tmp_path)] == ["a", "b/c/deep"]
    assert [entry.key for entry in list_runs(tmp_path / "a")] == ["."]


def test_a_root_that_is_no_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunNotFound, match="does not exist"):
        Catalog(tmp_path / "none").list_runs()
    (tmp_path / "file").touch()
    with pytest.raises(RunNotFound, match="is not a folder"):
        Catalog(tmp_path / "file").list_runs()


def test_a_run_that_ended_is_looked_into_once(tmp_path: Path, looked_into: list[str]) -> None:
    _age(write_run(tmp_path, "ended"))
    _age(write_run(tmp_path, "killed", status=None))
    runs = Catalog(tmp_path)
    first = runs.list_runs()
    assert runs.list_runs() == first
    assert looked_into.count("ended") == 1
    assert looked_into.count("killed") == 2


def test_a_run_that_ended_just_now_is_looked_into_again(
    tmp_path: Path, looked_into: list[str]
) -> None:
    write_run(tmp_path, "ended")
    runs = Catalog(tmp_path)
    runs.list_runs()
    runs.list_runs()
    assert looked_into == ["ended", "ended"]


def test_a_run_that_is_resumed_is_seen_to_run(tmp_path: Path) -> None:
    run = write_run(tmp_path, "run")
    _age(run)
    runs = Catalog(tmp_path)
    runs.list_runs()
    info = read_run_info(run)
    write_run_info(run, type(info)(id=info.id, name=info.name, status="running"))
    found = runs.list_runs()[0]
    assert found.info is not None
    assert found.info.status == "running"


def test_a_run_that_is_gone_or_new_is_seen(tmp_path: Path) -> None:
    _age(write_run(tmp_path, "old"))
    runs = Catalog(tmp_path)
    runs.list_runs()
    shutil.rmtree(tmp_path / "old")
    write_run(tmp_path, "new")
    assert [entry.key for entry in runs.list_runs()] == ["new"]
    assert not runs._ended


def test_links_to_runs_are_runs_and_no_others_are_followed(tmp_path: Path) -> None:
    write_run(tmp_path / "store", "run")
    write_run(tmp_path / "elsewhere" / "deep", "other")
    (tmp_path / "store" / "to-store").symlink_to(tmp_path / "store")
    (tmp_path / "store" / "to-itself").symlink_to("to-itself")
    (tmp_path / "store" / "to-root").symlink_to("/")
    (tmp_path / "store" / "to-folder").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "store" / "to-run").symlink_to(tmp_path / "elsewhere" / "deep" / "other")
    entries = list_runs(tmp_path / "store")
    assert [entry.key for entry in entries] == ["run", "to-run"]
    assert not any(entry.problem for entry in entries)


def test_a_store_that_is_a_link_is_listed(tmp_path: Path) -> None:
    write_run(tmp_path / "store", "run")
    (tmp_path / "link").symlink_to(tmp_path / "store")
    assert [entry.key for entry in list_runs(tmp_path / "link")] == ["run"]


def test_a_large_folder_takes_nothing_from_the_runs_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(catalog, "_MOST_NAMES", 40)
    monkeypatch.setattr(catalog, "_MOST_IN_FOLDER", 50)
    for number in range(100):
        (tmp_path / "images" / "deep" / str(number)).mkdir(parents=True)
    write_run(tmp_path, "run")
    runs = Catalog(tmp_path)
    for _ in range(2):
        assert [entry.key for entry in runs.list_runs()] == ["run"]
    assert [record.getMessage() for record in caplog.records] == [
        f"{tmp_path} holds too many files, not all are searched"
    ]


def _run_json(**changed: Any) -> str:
    return json.dumps({"format": 1, "id": "a", "name": "a", "status": "finished", **changed})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (_run_json(total_steps=0), "total_steps is 0"),
        (_run_json(total_steps=-5), "total_steps is -5"),
        (_run_json(total_steps=10**400), "total_steps is 1000"),
        (_run_json(total_steps="9"), "`$.total_steps`"),
        (_run_json(total_steps=True), "`$.total_steps`"),
        (_run_json(status=["finished"]), "`$.status`"),
        (_run_json(status="paused"), "status is 'paused', expected one of running, finished"),
        (_run_json(name=["a"]), "`$.name`"),
        (_run_json(created_at=math.nan), "created_at or ended_at is not a time"),
        (_run_json(ended_at=1e300), "created_at or ended_at is not a time"),
        (_run_json(created_at=10**400), "`$.created_at`"),
        (_run_json(lost_rows=-1), "lost_rows"),
        (_run_json(config=[1]), "`$.config`"),
        (_run_json(format=[1]), r"format [1]"),
        ("[" * 100_000, "nested too deeply"),
        (_run_json()[:-1] + ', "config": {"a":' + "[" * 200 + "]" * 200 + "}}", "nested too"),
        (_run_json() + " " * 9_000_000, "more than 8,388,608 bytes"),
        ("", "cannot be read as JSON"),
    ],
)
def test_a_damaged_description_is_listed_as_such_and_the_other_runs_as_ever(
    tmp_path: Path, content: str, problem: str
) -> None:
    write_run(tmp_path, "good")
    bad = write_run(tmp_path, "bad")
    (bad / "run.json").write_text(content)
    first, second = list_runs(tmp_path)
    assert first.info is None
    assert problem in first.problem
    assert str(tmp_path) not in first.problem
    assert (second.key, second.problem) == ("good", "")


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "link to itself", "nothing"])
def test_what_is_no_file_is_a_damaged_description_and_makes_nobody_wait(
    tmp_path: Path, kind: str
) -> None:
    path = write_run(tmp_path, "bad") / "run.json"
    path.unlink()
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind != "nothing":
        path.symlink_to("/dev/zero" if kind == "device" else path.name)
    (entry,) = list_runs(tmp_path)
    assert entry.info is None
    assert "run.json" in entry.problem
    assert str(tmp_path) not in entry.problem


def test_descriptions_of_earlier_versions_are_taken_with_their_gaps(tmp_path: Path) -> None:
    """Whatever was not known was null, and numbers of a configuration could be NaN."""
    run = write_run(tmp_path, "run")
    (run / "run.json").write_text(
        '{"format": 1, "created_at": null, "config": null, "parameter_groups": null, '
        '"environment": {}, "later": 1}'
    )
    (entry,) = list_runs(tmp_path)
    assert entry.info is not None
    assert (entry.info.id, entry.info.name, entry.info.config) == ("run", "run", {})
    (run / "run.json").write_text(_run_json(config={"a": math.nan, "b": {"c": [1, None]}}))
    config = read_run_info(run).config
    assert math.isnan(config["a"])
    assert config["b"] == {"c": [1, None]}


def test_a_link_to_a_folder_without_runs_lists_nothing(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "secret.txt").write_text("secret", encoding="utf-8")
    (tmp_path / "store" / "link").symlink_to(tmp_path / "private")
    assert list_runs(tmp_path / "store") == []


def test_a_description_that_leads_to_another_file_does_not_give_away_its_content(
    tmp_path: Path,
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_text("the-password", encoding="utf-8")
    run = write_run(tmp_path / "store", "run")
    (run / "run.json").unlink()
    (run / "run.json").symlink_to(secret)
    entry = list_runs(tmp_path / "store")[0]
    assert entry.info is None
    assert entry.problem
    assert "the-password" not in entry.problem


def test_the_age_of_a_run_that_was_copied_is_its_own(tmp_path: Path) -> None:
    with lrwatch.open_run(dir=tmp_path, name="a") as run:
        run.record(loss=1.0, lr=0.1)
    (entry,) = list_runs(tmp_path)
    assert entry.info is not None
    for path in run.path.rglob("*"):
        os.utime(path, (entry.last_write + 9000,) * 2)
    (copied,) = list_runs(tmp_path)
    assert copied.last_write > entry.last_write
    assert copied.last_seen == pytest.approx(entry.info.ended_at)
