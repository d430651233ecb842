"""What people did in a store, as the pages read it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from lrwatch_dashboard.data import RunStore, activity_desk
from stores import write_run

from lrwatch.plain_files import open_plain
from lrwatch.store.labels import change_labels


def _rename(run: Path, name: str) -> None:
    change_labels(run, lambda said: replace(said, name=name))


def _store(root: Path) -> RunStore:
    store = RunStore(root, threaded=False)
    store.refresh()
    return store


def test_the_latest_comes_first_and_one_run_alone(tmp_path: Path) -> None:
    a, b = write_run(tmp_path, "a"), write_run(tmp_path / "sweep", "b")
    for run, name in ((a, "one"), (b, "two"), (a, "three")):
        _rename(run, name)
    store = _store(tmp_path)
    assert [done.run for done in store.activity()] == ["a", "sweep/b", "a"]
    assert [done.after["name"] for done in store.activity("a")] == ["three", "one"]
    assert [done.run for done in store.activity("sweep/b")] == ["sweep/b"]
    assert store.alerts.board().activity[0].after == {"name": "three"}


@pytest.mark.parametrize("key", ["..", "../a", "none", "/etc/passwd"])
def test_a_key_that_is_not_listed_reads_nothing(tmp_path: Path, key: str) -> None:
    write_run(tmp_path / "runs", "b")
    _rename(write_run(tmp_path, "a"), "one")
    assert _store(tmp_path / "runs").activity(key) == []


def test_a_store_that_is_itself_a_run_is_read_beside_it(tmp_path: Path) -> None:
    run = write_run(tmp_path, "a")
    _rename(run, "one")
    assert [done.run for done in _store(run).activity(".")] == ["."]


def test_files_are_opened_now_and_then(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "abc":
        write_run(tmp_path / name, "run")
    _rename(tmp_path / "a" / "run", "one")
    opened: list[Path] = []

    def watched(path: Path, *how: int) -> int:
        opened.append(path.parent)
        return open_plain(path, *how)

    store = _store(tmp_path)
    monkeypatch.setattr("lrwatch.store.activity_log.open_plain", watched)
    for _ in range(5):
        assert len(store.activity()) == 1
    assert {*opened} == {tmp_path, tmp_path / "a"}
    assert len(opened) <= 4
    _rename(tmp_path / "b" / "run", "two")
    monkeypatch.setattr(activity_desk, "_SECONDS", 0.0)
    monkeypatch.setattr(activity_desk, "_SEARCH_SECONDS", 0.0)
    store._activity._found_until = store._activity._lately_until = 0.0
    assert [done.run for done in store.activity()] == ["b/run", "a/run"]
