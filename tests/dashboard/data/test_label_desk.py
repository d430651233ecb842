"""What the pages write about runs, and what they may not."""

from __future__ import annotations

from pathlib import Path

import pytest
from lrwatch_dashboard.alert_views import Matcher
from lrwatch_dashboard.data import RunStore
from lrwatch_dashboard.views import LabelChange
from stores import new_writer, write_run


def _store(root: Path, *, read_only: bool = False) -> RunStore:
    store = RunStore(root, threaded=False, read_only=read_only)
    store.refresh()
    return store


def test_what_is_said_of_a_run_is_in_its_row(tmp_path: Path) -> None:
    write_run(tmp_path, "a")
    store = _store(tmp_path)
    change = LabelChange(add_tags=("keep",), name="The one", note="**n**", pinned=True)
    token = store.overview().token
    assert store.labels.label(["a"], change) == ""
    store.refresh()
    (row,) = store.overview(token).rows
    assert (row.name, row.tags, row.note, row.is_pinned) == ("The one", ("keep",), "**n**", True)
    assert row.key == "a"
    assert row.facts.name == "The one"


def test_a_deleted_run_leaves_the_table_and_comes_back(tmp_path: Path) -> None:
    write_run(tmp_path / "sweep", "a")
    write_run(tmp_path, "b")
    store = _store(tmp_path)
    token = store.overview().token
    problem, receipt = store.labels.throw_away(["sweep/a"])
    assert problem == ""
    store.refresh()
    assert store.overview(token).removed == ("sweep/a",)
    assert store.labels.take_back(receipt) == ""
    store.refresh()
    assert sorted(row.key for row in store.overview().rows) == ["b", "sweep/a"]
    assert "lrwatch rm --undo" in store.labels.take_back(receipt)


def test_a_running_run_is_kept_and_the_others_go(tmp_path: Path) -> None:
    live = new_writer(tmp_path, "live")
    write_run(tmp_path, "a")
    store = _store(tmp_path)
    problem, receipt = store.labels.throw_away(["live", "a"])
    assert "live is running" in problem
    assert receipt
    assert (tmp_path / "live").exists()
    assert not (tmp_path / "a").exists()
    live.abandon()


@pytest.mark.parametrize("key", ["..", "../other", "/etc", "nothing", ""])
def test_a_key_that_is_not_listed_reaches_nothing(tmp_path: Path, key: str) -> None:
    write_run(tmp_path, "other")
    (tmp_path / "runs").mkdir()
    store = _store(tmp_path / "runs")
    assert store.labels.label([key], LabelChange(pinned=True)).startswith("No run")
    assert store.labels.throw_away([key])[0].startswith("No run")
    assert not (tmp_path / "other" / "labels.json").exists()


def test_the_store_itself_is_never_thrown_away(tmp_path: Path) -> None:
    run = write_run(tmp_path, "a")
    assert _store(run).labels.throw_away(["."])[0] == "No run ."
    assert run.exists()


def test_a_read_only_dashboard_writes_nothing(tmp_path: Path) -> None:
    run = write_run(tmp_path, "a")
    before = sorted(tmp_path.rglob("*"))
    store = _store(tmp_path, read_only=True)
    assert "read-only" in store.labels.label(["a"], LabelChange(pinned=True))
    assert "read-only" in store.labels.throw_away(["a"])[0]
    assert "read-only" in store.labels.take_back("x")
    matcher = Matcher(run="*", rule="*")
    silenced = store.alerts.silence(matcher, seconds=60, reason="r", by="", until_worse=False)
    assert "read-only" in silenced
    assert sorted(tmp_path.rglob("*")) == before
    assert run.exists()


def test_what_is_not_allowed_is_said(tmp_path: Path) -> None:
    write_run(tmp_path, "a")
    store = _store(tmp_path)
    assert "A tag has 1 to 60" in store.labels.label(["a"], LabelChange(add_tags=("a/b",)))
    (tmp_path / "a" / "labels.json").write_text("{")
    assert "cannot be read" in store.labels.label(["a"], LabelChange(pinned=True))
