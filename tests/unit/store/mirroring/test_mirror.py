"""A store at an address reads as its folder would, costs few requests, and is never half there."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from pathlib import Path

import pytest
from buckets import Bucket
from stores import row, write_run

import lrwatch
from lrwatch.errors import RunNotFound, StorageUnavailable, StoreNotWritable
from lrwatch.following import FollowedRun, FollowedStore
from lrwatch.monitor import Monitor
from lrwatch.records import FLOAT_COLUMNS, RunInfo
from lrwatch.store import Catalog, RunReader, list_runs
from lrwatch.store.compaction import compact_all, merge_all
from lrwatch.store.creation import resume_run
from lrwatch.store.mirroring import crew
from lrwatch.store.mirroring import mirror as mirroring
from lrwatch.store.mirroring.mirror import StoreMirror
from lrwatch.store.mirroring.places import known_as, local_folder, mirror_of
from lrwatch.verdicts import Alarm

STORE = "s3://bucket/runs"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Let time pass by adding to the one number in it, for whoever decides when to look again."""
    passed = [0.0]
    start, at = time.monotonic(), time.time()

    class Clock:
        monotonic = staticmethod(lambda: start + passed[0])
        time = staticmethod(lambda: at + passed[0])

    monkeypatch.setattr(mirroring, "time", Clock)
    return passed


def _grown(store: Path, n_steps: int) -> Path:
    """Have a run of as many steps, each stretch a part, as a writer that is still there leaves."""
    if not (store / "live").exists():
        return _parted(write_run(store, "live", steps=range(n_steps), status=None))
    info = RunInfo("id-live", "live")
    writer, first = resume_run(store, info, FLOAT_COLUMNS, step=None, may_begin=False)
    for step in range(first, n_steps):
        writer.append(row(step, writer))
    writer.abandon()
    return _parted(writer.folder)


def _parted(run: Path) -> Path:
    compact_all(run)
    (run / "writer.lock").unlink(missing_ok=True)
    return run


def _mirror() -> StoreMirror:
    found = mirror_of(local_folder(STORE, look=False))
    assert found is not None
    return found


def _following() -> FollowedStore[FollowedRun[Alarm]]:
    return FollowedStore(STORE, lambda entry: FollowedRun(entry, lambda info: Monitor()))


def test_a_run_reads_as_it_does_from_its_folder(bucket: Bucket, tmp_path: Path) -> None:
    there = lrwatch.read(tmp_path / "there" / "a")
    assert lrwatch.read(f"{STORE}/a").equals(there)
    assert lrwatch.diagnose(f"{STORE}/a") == lrwatch.diagnose(tmp_path / "there" / "a")
    assert [entry.key for entry in list_runs(STORE)] == ["a", "b"]


@pytest.mark.slow
def test_every_function_takes_an_address(bucket: Bucket, tmp_path: Path) -> None:
    there = tmp_path / "there"
    assert lrwatch.diagnose_sweep(STORE) == lrwatch.diagnose_sweep(there)
    by_name = {"x": f"{STORE}/a", "y": f"{STORE}/b"}
    assert list(lrwatch.diagnose_sweep(by_name)) == ["x", "y"]
    assert lrwatch.suggest(STORE) == lrwatch.suggest(there)
    assert lrwatch.compare(STORE).verdicts == lrwatch.compare(there).verdicts
    assert lrwatch.compare([f"{STORE}/a"]).verdicts == lrwatch.compare([there / "a"]).verdicts


def test_a_look_is_one_listing_and_what_is_there_is_fetched_once(bucket: Bucket) -> None:
    assert len(list_runs(STORE)) == 2
    assert bucket.requests == {"list": 1, "read": 2}  # run.json of each
    lrwatch.read(f"{STORE}/a")
    assert bucket.requests == {"list": 2, "read": 3}
    lrwatch.read(f"{STORE}/a")
    assert bucket.requests == {"list": 3, "read": 3}


def test_a_copy_outlives_its_process(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    lrwatch.read(f"{STORE}/a")
    monkeypatch.setattr("lrwatch.store.mirroring.places._OPEN", {})
    bucket.requests.clear()
    lrwatch.read(f"{STORE}/a")
    assert bucket.requests == {"list": 1}


def test_rows_come_as_they_are_uploaded(bucket: Bucket, tmp_path: Path, clock: list[float]) -> None:
    bucket.upload(_grown(tmp_path, 10), "runs/live")
    store = _following()
    store.relist()
    run = store.runs["live"]
    assert run.needs_work()
    run.advance()
    assert run.summary.n_rows == 10
    bucket.upload(_grown(tmp_path, 25), "runs/live")
    bucket.read_keys.clear()
    _mirror().refresh()
    store.relist()
    assert run.needs_work()
    run.advance()
    assert run.summary.n_rows == 25
    assert [key for key in bucket.read_keys if "part" in key] == [
        "runs/live/steps/part-000000000010-000000000025.parquet"
    ]


def test_whoever_follows_looks_every_ten_seconds_and_waits_only_where_nobody_did(
    bucket: Bucket, clock: list[float]
) -> None:
    catalog = Catalog(STORE)
    catalog.list_runs()
    catalog.list_runs()
    assert bucket.requests["list"] == 1
    clock[0] += 11
    catalog.list_runs()  # in the background
    look = _mirror()._look
    assert look is not None
    look.result()
    assert bucket.requests["list"] == 2
    bucket.upload(Path("sample_runs/digits-sgd-constant-0.1"), "runs/c")
    clock[0] += 3600
    assert len(catalog.list_runs()) == 3
    assert bucket.requests["list"] == 3


def test_parts_that_were_merged_while_they_are_read_are_found_again(
    bucket: Bucket, tmp_path: Path
) -> None:
    _grown(tmp_path, 10)
    run = _grown(tmp_path, 25)
    bucket.upload(run, "runs/live")
    list_runs(STORE)
    for key in [key for key in bucket.names() if key.startswith("runs/live/steps")]:
        bucket.objects.remove([key])
    merge_all(run)
    bucket.upload(run, "runs/live")
    frame = lrwatch.read(_mirror().copy.folder / "live")
    assert frame["step"].tolist() == list(range(25))


def test_merged_parts_replace_those_they_were_made_of(bucket: Bucket, tmp_path: Path) -> None:
    _grown(tmp_path, 10)
    run = _grown(tmp_path, 25)
    bucket.upload(run, "runs/live")
    reader = RunReader(f"{STORE}/live")
    assert len(reader.read_new()) == 25
    bucket.objects.remove([key for key in bucket.names() if key.startswith("runs/live/steps")])
    merge_all(run)
    bucket.upload(run, "runs/live")
    frame = lrwatch.read(f"{STORE}/live")
    assert frame["step"].tolist() == list(range(25))
    parts = (local_folder(f"{STORE}/live") / "steps").glob("*.parquet")
    assert [part.name for part in parts] == ["part-000000000000-000000000025.parquet"]
    assert len(reader.read_new()) == 0
    assert reader.damaged_rows == 0


def test_a_run_that_cannot_be_had_whole_is_not_read_in_part(bucket: Bucket, tmp_path: Path) -> None:
    _grown(tmp_path, 10)
    bucket.upload(_grown(tmp_path, 25), "runs/live")
    list_runs(STORE)
    bucket.missing.add("runs/live/steps/part-000000000000-000000000010.parquet")
    with pytest.raises(StorageUnavailable, match="live changes faster than it can be read"):
        lrwatch.read(_mirror().copy.folder / "live")
    bucket.missing.clear()
    assert len(lrwatch.read(_mirror().copy.folder / "live")) == 25


def test_a_follower_of_a_run_that_could_not_be_had_tries_again(
    bucket: Bucket, clock: list[float]
) -> None:
    store = _following()
    store.relist()
    run = store.runs["a"]
    bucket.is_down = True
    run.advance()
    assert "connection refused" in run.problem
    assert run.summary.n_rows == 0
    bucket.is_down = False
    run._retry_at = 0.0
    assert run.needs_work()
    run.advance()
    assert (run.problem, run.summary.n_rows) == ("", 30)


def test_what_is_gone_there_goes_here(bucket: Bucket) -> None:
    lrwatch.read(f"{STORE}/a")
    list_runs(STORE)
    bucket.objects.remove([key for key in bucket.names() if key.startswith("runs/a/")])
    assert [entry.key for entry in list_runs(STORE)] == ["b"]
    folder = local_folder(STORE)
    assert not (folder / "a").exists()
    with pytest.raises(RunNotFound, match=r"s3://bucket/runs/a: "):
        lrwatch.read(f"{STORE}/a")


def test_what_went_while_nobody_looked_goes_too(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    lrwatch.read(f"{STORE}/a")
    monkeypatch.setattr("lrwatch.store.mirroring.places._OPEN", {})
    bucket.objects.remove([key for key in bucket.names() if key.startswith("runs/a/")])
    assert [entry.key for entry in list_runs(STORE)] == ["b"]


def test_a_run_begun_anew_under_its_name_is_not_mixed_with_the_old_one(
    bucket: Bucket, tmp_path: Path
) -> None:
    assert len(lrwatch.read(f"{STORE}/a")) == 30
    bucket.objects.remove([key for key in bucket.names() if key.startswith("runs/a/")])
    run = write_run(tmp_path / "again", "a", steps=range(30), values={"loss": [7.0] * 30})
    bucket.upload(run, "runs/a")
    assert lrwatch.read(f"{STORE}/a")["loss"].tolist() == [7.0] * 30


def test_a_change_of_the_same_size_within_a_second_is_seen(bucket: Bucket) -> None:
    content = json.loads(bucket.objects.read("runs/a/run.json"))
    for optimizer in ("Adam", "Lion", "Muon"):
        bucket.put("runs/a/run.json", json.dumps({**content, "optimizer": optimizer}).encode())
        info = list_runs(STORE)[0].info
        assert info is not None
        assert info.optimizer == optimizer


def test_time_is_that_of_the_writer_and_not_of_the_copy(bucket: Bucket) -> None:
    list_runs(STORE)
    before = list_runs(STORE)
    lrwatch.read(f"{STORE}/a")
    assert list_runs(STORE) == before
    newest = max(item.modified for item in bucket.objects.list("runs/a/"))
    assert abs(before[0].last_write - newest) <= 1


def test_an_outage_is_said_with_how_long_ago_the_store_was_seen(
    bucket: Bucket, clock: list[float], caplog: pytest.LogCaptureFixture
) -> None:
    catalog = Catalog(STORE)
    catalog.list_runs()
    bucket.is_down = True
    for _ in range(2):
        clock[0] += 11
        assert len(catalog.list_runs()) == 2
        look = _mirror()._look
        assert look is not None
        look.result()
    clock[0] += 11
    with pytest.raises(StorageUnavailable, match="connection refused; last seen 33 s ago"):
        catalog.list_runs()
    n_tried = bucket.requests["list"]
    with pytest.raises(StorageUnavailable):
        catalog.list_runs()
    assert bucket.requests["list"] == n_tried  # not at every look
    bucket.is_down = False
    clock[0] += 61
    with pytest.raises(StorageUnavailable):
        catalog.list_runs()
    look = _mirror()._look
    assert look is not None
    look.result()
    assert len(catalog.list_runs()) == 2
    assert [record.getMessage() for record in caplog.records] == [
        "s3://bucket: connection refused; trying again",
        "s3://bucket/runs can be reached again",
    ]


def test_a_store_that_was_never_reached_says_so(bucket: Bucket) -> None:
    bucket.is_down = True
    with pytest.raises(StorageUnavailable, match="connection refused"):
        list_runs(STORE)


@pytest.mark.slow
def test_runs_read_one_after_the_other_are_fetched_ahead(bucket: Bucket, tmp_path: Path) -> None:
    for n in range(40):
        bucket.upload(tmp_path / "there" / "b", f"runs/c{n:02d}")
    entries = list_runs(STORE)
    for entry in entries[:2]:
        lrwatch.read(entry.path)
    crew.reading_ahead().submit(int).result()
    for entry in entries:
        lrwatch.read(entry.path)
    parts = [key for key in bucket.read_keys if key.endswith(".parquet")]
    assert len(parts) == len(set(parts)) == 42


def test_a_folder_that_cannot_be_written_is_named_with_what_to_do(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("LRWATCH_CACHE_DIR", str(blocked))
    with pytest.raises(StoreNotWritable, match=r"s3://bucket/runs in .*set LRWATCH_CACHE_DIR"):
        list_runs(STORE)


def test_a_path_of_a_copy_is_known_by_its_address(bucket: Bucket, tmp_path: Path) -> None:
    folder = local_folder(f"{STORE}/a")
    assert known_as(folder) == "s3://bucket/runs/a"
    assert known_as(tmp_path / "there") == str(tmp_path / "there")
    assert local_folder(tmp_path) == tmp_path
    assert local_folder(f"file://{tmp_path}/there") == tmp_path / "there"


def test_a_store_opened_after_its_run_tells_of_both(bucket: Bucket) -> None:
    reader = RunReader(f"{STORE}/a")
    reader.read_new()
    list_runs(STORE)
    assert mirror_of(reader.path) is _mirror()


@pytest.mark.slow
def test_a_training_that_writes_to_a_folder_loads_nothing_of_it() -> None:
    code = "import sys, lrwatch.store; print(*sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    unwanted = {"lrwatch.store.mirroring.mirror", "importlib.metadata", "obstore", "fsspec"}
    assert not unwanted & set(said.stdout.split())
