"""The dashboard on a store at an address: what it shows, and what it says when that is away."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from buckets import Bucket
from lrwatch_dashboard.data import RunStore
from lrwatch_dashboard.data.judges import answer_all
from lrwatch_dashboard.pages.overview import summary
from lrwatch_dashboard.views import LabelChange
from stores import write_run

from lrwatch.store import list_runs
from lrwatch.store.mirroring import mirror as mirroring
from lrwatch.store.mirroring.places import mirror_of

STORE = "s3://bucket/runs"


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    found = Bucket()
    found.use(monkeypatch, tmp_path / "cache")
    for name in ("a", "b"):
        found.upload(write_run(tmp_path / "there", name, steps=range(30)), f"runs/{name}")
    return found


def test_the_runs_are_shown_under_their_address(bucket: Bucket) -> None:
    store = RunStore(STORE, threaded=False)
    store.refresh()
    table = store.overview()
    assert (table.folder, table.problem) == (STORE, "")
    assert [(row.key, row.steps) for row in table.rows] == [("a", 30), ("b", 30)]
    assert store.curves("a") is not None
    assert store.healthy() == ""


def test_what_is_said_of_a_run_and_its_removal_go_to_the_store(bucket: Bucket) -> None:
    store = RunStore(STORE, threaded=False)
    store.refresh()
    assert store.labels.label(["a"], LabelChange(add_tags=("keep",))) == ""
    assert json.loads(bucket.objects.read("runs/a/labels.json"))["tags"] == ["keep"]
    problem, receipt = store.labels.throw_away(["a"])
    assert problem == ""
    store.refresh()
    assert [row.key for row in store.overview().rows] == ["b"]
    assert store.labels.take_back(receipt) == ""
    store.refresh()
    assert [row.key for row in store.overview().rows] == ["a", "b"]


def test_a_store_that_is_away_keeps_its_runs_and_says_since_when(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = RunStore(STORE, threaded=False)
    store.refresh()
    token = store.overview().token
    bucket.is_down = True
    mirror = mirror_of(store.root)
    assert mirror is not None
    monkeypatch.setattr(mirroring, "_PATIENCE_SECONDS", 0.0)
    mirror._try_to_refresh()
    store.refresh()
    table = store.overview(token)
    assert table.token != token
    whole = store.overview()
    assert len(whole.rows) == 2
    assert "connection refused; last seen " in whole.problem
    assert whole.problem in summary(whole)
    bucket.is_down = False
    mirror.refresh()
    store.refresh()
    assert store.overview().problem == ""


def test_a_process_that_judges_lists_the_store_once(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = [
        json.dumps({"key": entry.key, "path": str(entry.path), "last_write": entry.last_write})
        for entry in list_runs(STORE)
    ]
    bucket.use(monkeypatch, tmp_path / "cache")  # as in a process of its own
    bucket.requests.clear()
    with (tmp_path / "answers").open("w") as answers:
        answer_all(asked, answers)
    assert all((tmp_path / "answers").read_text().split("\n")[:2])
    assert bucket.requests["list"] == 1
