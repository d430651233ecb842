"""The table of verdicts of a store at an address: one object, for every machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from buckets import Bucket
from judged_stores import judged_now, said, table_of, write_jobs, write_trial
from stores import write_run

from lrwatch.comparing import store_verdicts
from lrwatch.errors import AccessDenied
from lrwatch.judging import VerdictTable
from lrwatch.judging.workers import keep_all
from lrwatch.store import list_runs
from lrwatch.store.layout import RUN_JSON
from lrwatch.store.mirroring import mirror as mirroring
from lrwatch.store.mirroring.bundle import BUNDLE
from lrwatch.store.mirroring.places import known_as

STORE: Any = "s3://bucket/runs"
TABLE = "runs/.lrwatch-verdicts/verdicts.parquet"


@pytest.fixture
def bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bucket:
    """Hold two jobs of three runs each, as no machine has seen them; small is many here."""
    found = Bucket()
    found.use(monkeypatch, tmp_path / "cache")
    found.upload(write_jobs(tmp_path / "there"), "runs")
    monkeypatch.setattr(mirroring, "_MANY", 3)
    return found


@pytest.fixture
def elsewhere(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return what makes this another machine, which has seen nothing of the store."""

    def move(name: str) -> None:
        bucket.use(monkeypatch, tmp_path / name)
        bucket.requests.clear()
        bucket.read_keys.clear()

    return move


@pytest.mark.slow
def test_what_one_machine_found_another_reads_without_a_run(bucket: Bucket, elsewhere: Any) -> None:
    assert judged_now(STORE) == 6
    assert TABLE in bucket.names()
    found = said(STORE)

    elsewhere("another")
    assert said(STORE) == found
    assert judged_now(STORE) == 0
    assert [key for key in bucket.read_keys if key.endswith((".parquet", RUN_JSON))] == [
        f"runs/{BUNDLE}",
        TABLE,
    ]
    assert bucket.requests["write"] == 0


@pytest.mark.slow
def test_a_run_is_judged_again_when_it_has_changed_there(
    bucket: Bucket, elsewhere: Any, tmp_path: Path
) -> None:
    assert (judged_now(STORE), judged_now(STORE)) == (6, 0)  # before its parts are here, and after
    name = "d2-lr-0.1"
    longer = tmp_path / "longer"
    write_trial(longer, name, 0.1, 2, n_steps=90)
    bucket.upload(longer / name / "steps", f"runs/{name}/steps")  # and run.json as it was
    elsewhere("another")
    assert judged_now(STORE) == 1
    assert store_verdicts(STORE).runs[name].summary.n_steps == 90


def test_the_bundle_counts_for_nothing_but_the_objects_that_are_there(
    bucket: Bucket, elsewhere: Any, tmp_path: Path
) -> None:
    judged_now(STORE)
    changed = write_run(tmp_path / "new", "d2-lr-0.1", steps=range(5), config={"lr": 7})
    bucket.put(f"runs/d2-lr-0.1/{RUN_JSON}", (changed / RUN_JSON).read_bytes())
    elsewhere("another")
    runs = store_verdicts(STORE).runs
    assert f"runs/d2-lr-0.1/{RUN_JSON}" in bucket.read_keys
    assert (info := runs["d2-lr-0.1"].entry.info) is not None
    assert info.config == {"lr": 7}


@pytest.mark.slow
@pytest.mark.parametrize("content", [b"", b"no bundle", b"PAR1" * 99])
def test_a_damaged_bundle_is_none(bucket: Bucket, elsewhere: Any, content: bytes) -> None:
    judged_now(STORE)
    found = said(STORE)
    bucket.put(f"runs/{BUNDLE}", content)
    bucket.put(TABLE, content)
    elsewhere("another")
    assert said(STORE) == found


def test_a_process_beside_lists_the_store_once_and_not_each_run(
    bucket: Bucket, elsewhere: Any
) -> None:
    entries = list_runs(STORE)
    elsewhere("cache")  # as a process of this machine, which has the same copy
    assert all(keep_all(entries))
    assert bucket.requests["list"] == 1


@pytest.mark.slow
def test_who_may_only_read_keeps_the_table_at_home(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def denied(*_: object, **__: object) -> None:
        raise AccessDenied("s3://bucket/runs: no")

    monkeypatch.setattr(bucket.objects, "write", denied)
    assert judged_now(STORE) == 6
    found = store_verdicts(STORE)
    assert found.n_judged == 0
    assert found.table is not None
    assert found.table.parent == tmp_path / "cache"


@pytest.mark.slow
def test_a_table_that_is_gone_there_is_gone_here(bucket: Bucket) -> None:
    judged_now(STORE)
    found = store_verdicts(STORE).table
    assert found is not None
    assert known_as(found) == f"s3://bucket/{TABLE}"
    bucket.objects.remove([TABLE])
    assert VerdictTable(found.parents[1]).found() is None
    assert not table_of(found.parents[1]).exists()
