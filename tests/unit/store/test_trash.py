"""Runs that are thrown away come back, and nothing else is touched."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from stores import new_writer, row, write_run

from lrwatch.errors import InvalidArgument, RunBusy, RunNotFound
from lrwatch.following import FollowedRun, FollowedStore
from lrwatch.monitor import Monitor
from lrwatch.store import list_runs
from lrwatch.store.trash import empty_trash, take_back, throw_away, thrown_away
from lrwatch.verdicts import Alarm


def _names(store: Path) -> list[str]:
    return [entry.key for entry in list_runs(store)]


def test_a_run_that_was_thrown_away_comes_back_as_it_was(tmp_path: Path) -> None:
    run = write_run(tmp_path / "sweep", "a")
    write_run(tmp_path / "sweep", "b")
    content = (run / "run.json").read_bytes()
    throw_away(run)
    assert _names(tmp_path) == ["sweep/b"]
    take_back(run)
    assert _names(tmp_path) == ["sweep/a", "sweep/b"]
    assert (run / "run.json").read_bytes() == content
    assert not (tmp_path / "sweep" / ".lrwatch-trash").exists()


def test_the_last_of_one_name_comes_back_first_and_never_over_another(tmp_path: Path) -> None:
    for name in ("first", "second"):
        run = write_run(tmp_path, "a", optimizer=name)
        throw_away(run)
    take_back(run)
    info = list_runs(tmp_path)[0].info
    assert info is not None
    assert info.optimizer == "second"
    with pytest.raises(InvalidArgument, match="is there again"):
        take_back(run)
    assert len(thrown_away(tmp_path)) == 1


def test_a_run_that_is_written_is_refused_unless_forced(tmp_path: Path) -> None:
    writer = new_writer(tmp_path, "live")
    writer.append(row(0, writer))
    with pytest.raises(RunBusy, match="--force"):
        throw_away(writer.folder)
    assert _names(tmp_path) == ["live"]
    throw_away(writer.folder, force=True)
    assert _names(tmp_path) == []
    writer.abandon()


def test_a_follower_of_the_store_goes_on_when_a_run_goes_and_comes_back(tmp_path: Path) -> None:
    run = write_run(tmp_path, "a")
    write_run(tmp_path, "b")
    store: FollowedStore[FollowedRun[Alarm]] = FollowedStore(
        tmp_path, lambda entry: FollowedRun(entry, lambda info: Monitor())
    )
    store.relist()
    follower = store.runs["a"]
    throw_away(run)
    follower.advance()  # it was listed, and is gone
    assert "cannot be read" in follower.problem or follower.summary.n_rows == 0
    assert store.relist() == [follower]
    assert sorted(store.runs) == ["b"]
    take_back(run)
    store.relist()
    store.runs["a"].advance()
    assert store.runs["a"].summary.n_rows == 10


def test_only_what_is_old_goes_for_good(tmp_path: Path) -> None:
    throw_away(write_run(tmp_path, "a"))
    entry = next((tmp_path / ".lrwatch-trash").iterdir())
    assert empty_trash(tmp_path, days=1) == 0
    old = time.strftime("%Y%m%dT%H%M%S", time.gmtime(time.time() - 40 * 86400))
    entry.rename(entry.with_name(f"{old}-00000000"))
    (tmp_path / ".lrwatch-trash" / "not ours").mkdir()
    throw_away(write_run(tmp_path, "b"))  # empties on the way
    assert [one.run.name for one in thrown_away(tmp_path)] == ["b"]
    assert (tmp_path / ".lrwatch-trash" / "not ours").exists()
    assert empty_trash(tmp_path) == 1


def test_a_link_goes_and_what_it_names_stays(tmp_path: Path) -> None:
    real = write_run(tmp_path / "elsewhere", "a")
    store = tmp_path / "runs"
    store.mkdir()
    (store / "a").symlink_to(real)
    throw_away(store / "a")
    assert _names(store) == []
    assert empty_trash(store) == 1
    assert real.exists()


def test_a_trash_that_is_a_link_is_refused(tmp_path: Path) -> None:
    run = write_run(tmp_path / "runs", "a")
    (tmp_path / "other").mkdir()
    (tmp_path / "runs" / ".lrwatch-trash").symlink_to(tmp_path / "other")
    with pytest.raises(OSError, match="symbolic link"):
        throw_away(run)
    assert thrown_away(tmp_path / "runs") == []
    assert run.exists()


def test_what_is_no_run_is_not_thrown_away(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with pytest.raises(RunNotFound):
        throw_away(tmp_path / "data")
    with pytest.raises(RunNotFound, match="30 days"):
        take_back(tmp_path / "data")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_a_store_that_is_read_only_stays_as_it_is(tmp_path: Path) -> None:
    run = write_run(tmp_path, "a")
    tmp_path.chmod(0o555)
    try:
        with pytest.raises(PermissionError):
            throw_away(run)
    finally:
        tmp_path.chmod(0o755)
    assert run.exists()
