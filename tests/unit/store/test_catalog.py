from __future__ import annotations

import os
import shutil
import time
from pathlib import Path
from typing import Any

import pytest
from stores import write_run

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


def test_a_folder_that_leads_back_to_itself_ends_somewhere(tmp_path: Path) -> None:
    write_run(tmp_path, "run")
    (tmp_path / "loop").symlink_to(tmp_path)
    keys = [entry.key for entry in list_runs(tmp_path)]
    assert keys[-1] == "run"
    assert len(keys) < 10


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
