"""Labels and the trash of a store at an address: changed there, by many at once."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
from buckets import Bucket, BucketView
from stores import write_run

import lrwatch
from lrwatch.errors import (
    InvalidArgument,
    ObjectChanged,
    RunBusy,
    RunNotFound,
    RunUnreadable,
    StorageUnavailable,
)
from lrwatch.store import list_runs
from lrwatch.store.labels import RunLabels, change_labels, read_labels, tagged
from lrwatch.store.mirroring.places import local_folder
from lrwatch.store.trash import empty_trash, take_back, throw_away, thrown_away

STORE = "s3://bucket/runs"


def test_labels_are_written_there_and_seen_here_at_once(bucket: Bucket) -> None:
    run = local_folder(f"{STORE}/a")
    bucket.put("runs/a/labels.json", b'{"stars": 5, "tags": ["mine"]}')
    change_labels(run, lambda said: tagged(replace(said, note="é"), add=("keep",)))
    there = json.loads(bucket.objects.read("runs/a/labels.json"))
    assert (there["stars"], there["tags"], there["note"]) == (5, ["mine", "keep"], "é")
    assert read_labels(run).tags == ("mine", "keep")
    assert list_runs(STORE)[0].labels.note == "é"


def test_of_two_who_write_at_once_both_are_heard(bucket: Bucket) -> None:
    run = local_folder(f"{STORE}/a")
    names = [f"t{i}" for i in range(6)]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda t: change_labels(run, lambda said: tagged(said, add=(t,))), names))
    there = json.loads(bucket.objects.read("runs/a/labels.json"))
    assert sorted(there["tags"]) == names


@pytest.mark.parametrize("before", [None, b'{"tags": ["old"]}'])
def test_what_another_wrote_between_reading_and_writing_is_kept(
    bucket: Bucket, before: bytes | None
) -> None:
    if before is not None:
        bucket.put("runs/a/labels.json", before)
    n_asked = 0

    def change(said: RunLabels) -> RunLabels:
        nonlocal n_asked
        n_asked += 1
        if n_asked == 1:
            bucket.put("runs/a/labels.json", b'{"tags": ["theirs"]}')
        return tagged(said, add=("mine",))

    assert change_labels(local_folder(f"{STORE}/a"), change).tags == ("theirs", "mine")
    there = json.loads(bucket.objects.read("runs/a/labels.json"))
    assert (there["tags"], n_asked) == (["theirs", "mine"], 2)


def test_labels_that_others_change_all_the_time_are_busy(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: object, **__: object) -> None:
        raise ObjectChanged("it changed")

    run = local_folder(f"{STORE}/a")
    monkeypatch.setattr(BucketView, "write", refused)
    monkeypatch.setattr("lrwatch.store.mirroring.changing._LONGEST_PAUSE", 0.0)
    with pytest.raises(RunBusy, match=r"s3://bucket/runs/a/labels.json is being changed"):
        change_labels(run, lambda said: tagged(said, add=("x",)))


def test_damaged_labels_are_not_written_over(bucket: Bucket) -> None:
    run = local_folder(f"{STORE}/a")
    bucket.put("runs/a/labels.json", b"{")
    with pytest.raises(RunUnreadable, match=r"labels.json of s3://bucket/runs/a cannot be read"):
        change_labels(run, lambda said: replace(said, pinned=True))
    assert bucket.objects.read("runs/a/labels.json") == b"{"


def test_a_run_goes_to_the_trash_there_and_comes_back_as_it_was(bucket: Bucket) -> None:
    before = {key: bucket.objects.read(key) for key in bucket.names()}
    frame = lrwatch.read(f"{STORE}/a")
    list_runs(STORE)
    run = local_folder(f"{STORE}/a")
    thrown = throw_away(run)
    assert [entry.key for entry in list_runs(STORE)] == ["b"]
    assert not [key for key in bucket.names() if key.startswith("runs/a/")]
    assert [one.run for one in thrown_away(local_folder(STORE))] == [run]
    take_back(run, thrown.held)
    there = set(bucket.names()) - {"runs/.lrwatch-activity.jsonl"}
    assert {key: bucket.objects.read(key) for key in there} == before
    assert lrwatch.read(f"{STORE}/a").equals(frame)


def test_a_run_comes_back_never_over_another(bucket: Bucket, tmp_path: Path) -> None:
    run = local_folder(f"{STORE}/a")
    throw_away(run)
    with pytest.raises(RunNotFound, match="there is no run at s3://bucket/runs/a"):
        throw_away(run)
    bucket.upload(tmp_path / "there" / "b", "runs/a")
    with pytest.raises(InvalidArgument, match="s3://bucket/runs/a is there again"):
        take_back(run)
    with pytest.raises(RunNotFound, match="s3://bucket/runs/c is not in the trash"):
        take_back(local_folder(f"{STORE}/c"))


def test_a_run_that_is_running_is_refused_unless_forced(bucket: Bucket, tmp_path: Path) -> None:
    bucket.upload(write_run(tmp_path / "there", "live", status=None), "runs/live")
    run = local_folder(f"{STORE}/live")
    with pytest.raises(RunBusy, match=r"s3://bucket/runs/live is running"):
        throw_away(run)
    throw_away(run, force=True)
    assert [entry.key for entry in list_runs(STORE)] == ["a", "b"]


def test_nothing_is_removed_before_all_of_it_is_in_the_trash(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = local_folder(f"{STORE}/a")
    plain, n_written = BucketView.write, 0

    def failing(view: BucketView, *args: object, **more: object) -> object:
        nonlocal n_written
        n_written += 1
        if n_written == 2:
            raise StorageUnavailable("connection reset")
        return plain(view, *args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(BucketView, "write", failing)
    with pytest.raises(StorageUnavailable, match="connection reset"):
        throw_away(run)
    assert len(lrwatch.read(f"{STORE}/a")) == 30


def test_the_trash_is_emptied_there(bucket: Bucket) -> None:
    throw_away(local_folder(f"{STORE}/a"))
    store = local_folder(STORE)
    assert empty_trash(store, days=30) == 0
    assert empty_trash(store) == 1
    assert not [key for key in bucket.names() if "trash" in key]


def test_a_whole_bucket_is_not_thrown_away(bucket: Bucket, tmp_path: Path) -> None:
    bucket.put("run.json", (tmp_path / "there" / "b" / "run.json").read_bytes())
    with pytest.raises(InvalidArgument, match="is a whole bucket"):
        throw_away(local_folder("s3://bucket"))
