"""What people did, and said of alerts, is at the address: every machine sees it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from buckets import Bucket

from lrwatch.activity import Actor, acting
from lrwatch.alerts.silences import (
    Matcher,
    acknowledge,
    acknowledgements,
    add_silence,
    end_silence,
    forget_acknowledgement,
    silences,
)
from lrwatch.errors import StorageUnavailable
from lrwatch.store import activity_log
from lrwatch.store.activity_log import log_activity, read_activity
from lrwatch.store.labels import change_labels, tagged
from lrwatch.store.mirroring.places import local_folder
from lrwatch.store.trash import empty_trash, take_back, throw_away

STORE = "s3://bucket/runs"
LOG = "runs/.lrwatch-activity.jsonl"
ID = "0123456789abcdef"
Elsewhere = Callable[[], Path]


@pytest.fixture
def elsewhere(bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Elsewhere:
    """Return what looks at the store as a machine that has seen nothing of it."""
    n = 0

    def look() -> Path:
        nonlocal n
        n += 1
        bucket.use(monkeypatch, tmp_path / f"machine-{n}")
        return local_folder(STORE)

    return look


def test_what_is_done_on_one_machine_is_read_on_another(elsewhere: Elsewhere) -> None:
    store = elsewhere()
    with acting(Actor("ann")):
        change_labels(store / "a", lambda said: tagged(said, add=("keep",)))
        throw_away(store / "b")
    store = elsewhere()
    with acting(Actor("bob")):
        take_back(store / "b")
        throw_away(store / "b")
        empty_trash(store)
    done = [(each.user, each.action, each.run) for each in read_activity(elsewhere())]
    assert done == [
        ("ann", "tag", "a"),
        ("ann", "delete", "b"),
        ("bob", "restore", "b"),
        ("bob", "delete", "b"),
        ("bob", "purge", "b"),
    ]


def test_of_two_who_write_at_once_both_are_written_down(elsewhere: Elsewhere) -> None:
    store = elsewhere()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: log_activity(store, Actor(f"{n}"), "tag"), range(8)))
    assert sorted(each.user for each in read_activity(elsewhere())) == [f"{n}" for n in range(8)]


def test_a_full_log_is_kept_beside_a_new_one(
    elsewhere: Elsewhere, bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity_log, "_MOST_BYTES_THERE", 300)
    store = elsewhere()
    for n in range(4):
        log_activity(store, Actor(f"{n}"), "tag")
    assert {LOG, "runs/.lrwatch-activity.1.jsonl"} <= set(bucket.names())
    assert [each.user for each in read_activity(elsewhere())] == ["0", "1", "2", "3"]


def test_what_cannot_be_written_down_there_is_said(
    elsewhere: Elsewhere, bucket: Bucket, caplog: pytest.LogCaptureFixture
) -> None:
    store = elsewhere()
    bucket.is_down = True
    with caplog.at_level(logging.WARNING):
        log_activity(store, Actor("ann"), "tag")
    assert "tag was done, and not written down in s3://bucket/runs/.lrwatch" in caplog.text


def test_a_silence_holds_on_every_machine_until_it_is_ended_on_one(elsewhere: Elsewhere) -> None:
    said = add_silence(elsewhere(), Matcher(run="a"), seconds=60, reason="known")
    watcher = elsewhere()
    assert silences(watcher) == [said]
    end_silence(watcher, said.id)
    assert silences(watcher) == silences(elsewhere()) == []


def test_what_was_ended_elsewhere_is_over_here(bucket: Bucket) -> None:
    store = local_folder(STORE)
    said = add_silence(store, Matcher(run="a"), seconds=60, reason="known")
    local_folder(STORE)
    assert silences(store) == [said]
    bucket.objects.remove([f"runs/.lrwatch-alerts/silences/{said.id}.json"])
    local_folder(STORE)
    assert silences(store) == []


def test_a_machine_that_was_off_learns_what_was_ended(
    bucket: Bucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = add_silence(local_folder(STORE), Matcher(run="a"), seconds=60, reason="known")
    bucket.objects.remove([f"runs/.lrwatch-alerts/silences/{said.id}.json"])
    bucket.use(monkeypatch, tmp_path / "cache")  # a new process with the same copy
    assert silences(local_folder(STORE)) == []


def test_who_handles_an_alert_is_known_everywhere(elsewhere: Elsewhere) -> None:
    acknowledge(elsewhere(), ID, 1, by="ann")
    watcher = elsewhere()
    (said,) = acknowledgements(watcher).values()
    assert said.by == "ann"
    forget_acknowledgement(watcher, said)
    assert acknowledgements(elsewhere()) == {}


def test_a_silence_that_cannot_be_sent_is_refused(elsewhere: Elsewhere, bucket: Bucket) -> None:
    store = elsewhere()
    bucket.is_down = True
    with pytest.raises(StorageUnavailable):
        add_silence(store, Matcher(), seconds=60, reason="known")
    assert silences(store) == []
