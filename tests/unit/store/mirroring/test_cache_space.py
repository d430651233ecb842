"""The copies take no more than they may; what was not read for longest goes first."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from buckets import Bucket

import lrwatch
from lrwatch.cache_folder import cache_folder
from lrwatch.errors import InvalidArgument
from lrwatch.store import list_runs
from lrwatch.store.mirroring.cache_space import CacheSpace, note_use
from lrwatch.store.mirroring.places import local_folder

STORE = "s3://bucket/runs"


def _held(folder: Path, name: str, n_bytes: int, age: float) -> Path:
    steps = folder / "s3" / name / "steps"
    note_use(steps)
    (steps / "part-000000000000-000000000001.parquet").write_bytes(b"x" * n_bytes)
    used = time.time() - age
    os.utime(steps / ".used", (used, used))
    return steps


def test_what_was_not_read_for_longest_goes_first_and_runs_stay_listed(tmp_path: Path) -> None:
    old, new, now = (
        _held(tmp_path, name, 400, age) for name, age in (("old", 900), ("new", 300), ("now", 1))
    )
    os.utime(old, (1e9, 1e9))
    CacheSpace(tmp_path, 1000).add(0)
    assert [any(steps.iterdir()) for steps in (old, new, now)] == [False, True, True]
    assert old.stat().st_mtime == 1e9
    CacheSpace(tmp_path, 100).add(0)
    assert [any(steps.iterdir()) for steps in (old, new, now)] == [False, False, True]


def test_room_is_looked_at_once_and_then_counted(tmp_path: Path) -> None:
    space = CacheSpace(tmp_path, 1000)
    space.add(0)
    old = _held(tmp_path, "old", 900, 900)
    space.add(900)
    assert any(old.iterdir())
    space.add(200)
    assert any(old.iterdir())  # which a look at the folder tells: there is room
    _held(tmp_path, "new", 300, 1)
    space.add(300)
    assert not any(old.iterdir())


def test_a_run_whose_steps_went_is_fetched_again(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = lrwatch.read(f"{STORE}/a")
    entries = list_runs(STORE)
    steps = local_folder(f"{STORE}/a") / "steps"
    os.utime(steps / ".used", (1.0, 1.0))
    CacheSpace(local_folder(STORE), 1).add(0)
    assert not any(steps.iterdir())
    assert list_runs(STORE) == entries
    assert lrwatch.read(f"{STORE}/a").equals(before)


def test_the_folder_is_what_is_said_or_the_platforms(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert cache_folder({"LRWATCH_CACHE_DIR": "/x"}) == Path("/x")
    assert cache_folder({"LRWATCH_CACHE_DIR": ""}) is None
    monkeypatch.setattr("sys.platform", "linux")
    assert cache_folder({"XDG_CACHE_HOME": "/y"}) == Path("/y/lrwatch")
    monkeypatch.setattr("sys.platform", "darwin")
    monkeypatch.setattr(Path, "home", staticmethod(lambda: Path("/h")))
    assert cache_folder({}) == Path("/h/Library/Caches/lrwatch")
    monkeypatch.setattr("sys.platform", "win32")
    assert cache_folder({"LOCALAPPDATA": "/l"}) == Path("/l/lrwatch/Cache")


@pytest.mark.parametrize("text", ["0", "-1", "many", "1e999"])
def test_a_limit_that_is_none_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str
) -> None:
    monkeypatch.setenv("LRWATCH_CACHE_BYTES", text)
    with pytest.raises(InvalidArgument, match="LRWATCH_CACHE_BYTES must be a number of bytes"):
        CacheSpace(tmp_path)


def test_without_a_cache_folder_an_address_cannot_be_read(
    bucket: Bucket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LRWATCH_CACHE_DIR", "")
    with pytest.raises(InvalidArgument, match="set LRWATCH_CACHE_DIR to a folder"):
        list_runs(STORE)
