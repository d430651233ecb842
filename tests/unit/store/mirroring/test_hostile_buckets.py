"""Whatever lies in a bucket, nothing is written outside of the copy, and it is said once."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from buckets import Bucket, BucketView

import lrwatch
from lrwatch.errors import StorageError
from lrwatch.storage.door import StoredObject
from lrwatch.store import list_runs
from lrwatch.store.mirroring import listing
from lrwatch.store.mirroring.listing import list_objects
from lrwatch.store.mirroring.places import local_folder
from lrwatch.store.trash import thrown_away

STORE = "s3://bucket/runs"


class Listed(BucketView):
    """A storage whose listing says whatever it likes."""

    def __init__(self, keys: Iterator[str] | list[str], size: int = 3) -> None:
        super().__init__(Bucket(), "s3://bucket")
        self.keys, self.size = keys, size

    def list(self, prefix: str = "", *, after: str = "") -> Iterator[StoredObject]:
        self._bucket.counted("list")
        for key in self.keys:
            if key > after:
                yield StoredObject(key, self.size, 0.0, "1")


def _files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


HOSTILE = [
    "../../evil/run.json",
    "/etc/run.json",
    "a/../../b/run.json",
    "a//run.json",
    "a\nb/run.json",
    "a\x00b/run.json",
    "a\x1b[31m/run.json",
    "back\\slash/run.json",
    "./run.json",
    f"{'x' * 300}/run.json",
    "\ud800/run.json",
    "1/2/3/4/5/run.json",
    ".hidden/run.json",
    "a/steps/part-1-2.parquet",
    "a/steps/part-000000000000-000000000010.parquet/run.json/x",
    "checkpoint.pt",
]


def test_no_key_leads_out_of_the_copy() -> None:
    said: list[str] = []
    found = list_objects(Listed([*HOSTILE, "good/run.json"]), said.append).runs
    assert set(found) == {"good"}
    (line,) = said
    assert line.startswith("s3://bucket: 8 objects left out, whose names this machine cannot hold")
    assert line.isprintable()


def test_names_that_differ_in_capitals_are_one_where_the_machine_takes_them_for_one() -> None:
    said: list[str] = []
    keys = ["A/run.json", "a/run.json"]
    assert len(list_objects(Listed(keys), said.append).runs) == 2
    assert said == []
    assert set(list_objects(Listed(keys), said.append, ignores_case=True).runs) == {"A"}
    assert "1 object left out" in said[0]


def test_a_listing_without_end_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "_MOST_KEYS", 500)
    said: list[str] = []
    endless = Listed(f"run-{n:012d}/run.json" for n in itertools.count())
    assert len(list_objects(endless, said.append).runs) == 500
    assert said == ["s3://bucket holds more than 500 objects; the others are not looked at"]


def test_a_heap_in_the_trash_is_skipped() -> None:
    trash = [f".lrwatch-trash/{n:012d}/run.json" for n in range(5000)]
    storage = Listed([*trash, "a/run.json"])
    seen = []
    plain = storage.list

    def listed(prefix: str = "", *, after: str = "") -> Iterator[StoredObject]:
        for item in plain(prefix, after=after):
            seen.append(item.key)
            yield item

    storage.list = listed  # type: ignore[method-assign]
    assert set(list_objects(storage, print).runs) == {"a"}
    assert len(seen) == 1001


@pytest.mark.parametrize("modified", [-1.0, float("nan"), float("inf"), 1e300, 4e9])
def test_no_time_of_an_object_is_too_odd(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, modified: float
) -> None:
    plain = BucketView.list

    def odd(view: BucketView, prefix: str = "", *, after: str = "") -> Iterator[StoredObject]:
        for item in plain(view, prefix, after=after):
            yield StoredObject(item.key, item.size, modified, item.version)

    monkeypatch.setattr(BucketView, "list", odd)
    assert len(lrwatch.read(f"{STORE}/a")) == 30
    bucket.requests.clear()
    assert len(lrwatch.read(f"{STORE}/a")) == 30
    assert bucket.requests["read"] == 0


def test_a_run_json_beyond_measure_is_left_where_it_is(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("lrwatch.store.mirroring.mirror._MOST_BYTES", {"run.json": 10})
    for _ in range(2):
        assert all(entry.problem for entry in list_runs(STORE))
    assert bucket.requests["read"] == 0
    assert sorted(record.getMessage() for record in caplog.records) == [
        f"{STORE}/{name}/run.json is too large and is left out" for name in "ab"
    ]


def test_a_part_larger_than_the_cache_is_refused(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRWATCH_CACHE_BYTES", "1000")
    with pytest.raises(StorageError, match=r"set LRWATCH_CACHE_BYTES to a larger number"):
        lrwatch.read(f"{STORE}/a")


def test_an_object_that_changes_while_it_is_fetched_is_fetched_again(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("lrwatch.store.mirroring.local_copy._PIECE", 1000)
    plain, key = BucketView.read, "runs/a/run.json"
    new = bucket.objects.read(key).replace(b'"a"', b'"other"')

    def changing(view: BucketView, *args: object, **more: object) -> bytes:
        content = plain(view, *args, **more)  # type: ignore[arg-type]
        bucket.put(key, new)
        monkeypatch.setattr(BucketView, "read", plain)
        return content

    monkeypatch.setattr(BucketView, "read", changing)
    list_runs(STORE)
    info = list_runs(STORE)[0].info
    assert info is not None
    assert info.name == "other"


def test_an_object_where_a_folder_is_harms_only_itself(bucket: Bucket) -> None:
    for name in ("run.json", "labels.json", "steps", "journal-1.bin"):
        bucket.put(f"runs/{name}/run.json", b"{}")
    bucket.put("runs/x/steps/part-000000000000-000000000010.parquet", b"nothing")
    assert {entry.key for entry in list_runs(STORE)} == {"a", "b", "x"}
    folder = local_folder(STORE)
    assert all(name.startswith(("a/", "b/", "x/")) for name in _files(folder))


def test_odd_things_in_the_trash_are_no_runs(bucket: Bucket) -> None:
    for key in ("x", "20261126T204512-1a2b3c4d/x", "20261126T204512-1a2b3c4d/a\nb/run.json"):
        bucket.objects._objects[f"runs/.lrwatch-trash/{key}"] = (
            StoredObject(f"runs/.lrwatch-trash/{key}", 0, 0.0, "1"),
            b"",
        )
    assert [one.run.name for one in thrown_away(local_folder(STORE))] == ["x"]


@pytest.mark.parametrize(
    "address",
    ["s3://", "s3://bucket/../x", "s3://a\nb/c", "s3://key:secret@bucket/runs", "s3://b?x"],
)
def test_an_address_that_cannot_be_is_refused(bucket: Bucket, address: str) -> None:
    with pytest.raises(lrwatch.LrwatchError, match="address") as caught:
        local_folder(address)
    assert "secret" not in str(caught.value)
