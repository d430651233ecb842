"""Who did what: one line each, by every door, however many write and whatever lies there."""

from __future__ import annotations

import ast
import errno
import json
import logging
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sources import ROOT, modules, nodes
from stores import write_run

from lrwatch.activity import Activity, Actor, acting, current_actor, in_words
from lrwatch.alerts.silences import Matcher, acknowledge, add_silence, end_silence
from lrwatch.errors import NotAllowed
from lrwatch.store import activity_log
from lrwatch.store.activity_log import ACTIVITY, log_activity, read_activity
from lrwatch.store.labels import change_labels, tagged
from lrwatch.store.layout import EARLIER_ACTIVITY
from lrwatch.store.trash import empty_trash, take_back, throw_away

ANN = Actor("ann", "editor", "dashboard")
BOB = Actor("bob", "reader", "dashboard")
ID = "0123456789abcdef"


@pytest.fixture
def store(tmp_path: Path) -> Path:
    write_run(tmp_path, "a")
    write_run(tmp_path / "sweep", "b")
    return tmp_path


def doors(store: Path) -> dict[str, Any]:
    """Return every function that writes down who used it, ready to be called."""
    run = store / "a"
    silence = partial(add_silence, store, Matcher(run="a"), seconds=60.0, reason="known", by="ann")
    return {
        "change_labels": lambda: change_labels(run, lambda said: tagged(said, add=("keep",))),
        "acknowledge": lambda: acknowledge(store, ID, 1, by="ann", run="a"),
        "add_silence": silence,
        "end_silence": lambda: end_silence(store, silence().id),
        "throw_away": lambda: throw_away(run),
        "take_back": lambda: take_back(run),
        "empty_trash": lambda: (throw_away(run), empty_trash(store)),
    }


def test_every_door_is_known_here(store: Path) -> None:
    """So that a new one is tried below."""
    calling = set()
    for path in modules():
        for node in nodes(path) if "editor" in path.read_text(encoding="utf-8") else ():
            if isinstance(node, ast.FunctionDef):
                names = {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}
                calling |= {node.name} if "editor" in names else set()
    assert calling == set(doors(store))


def contents(store: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in store.rglob("*") if path.is_file()}


@pytest.mark.parametrize("door", doors(Path()))
def test_a_reader_is_refused_and_changes_nothing(store: Path, door: str) -> None:
    if door == "take_back":
        throw_away(store / "a")
    if door == "end_silence":
        held = add_silence(store, Matcher(), seconds=60.0, reason="known")
    before = contents(store)
    with acting(BOB), pytest.raises(NotAllowed, match="bob is a reader"):
        end_silence(store, held.id) if door == "end_silence" else doors(store)[door]()
    assert contents(store) == before


@pytest.mark.parametrize("door", doors(Path()))
def test_what_an_editor_does_is_written_down(store: Path, door: str) -> None:
    if door == "take_back":
        throw_away(store / "a")
    with acting(ANN):
        doors(store)[door]()
    done = read_activity(store)[-1]
    assert (done.user, done.role, done.via) == ("ann", "editor", "dashboard")
    assert done.time.endswith("Z")
    assert (
        done.action
        == {
            "change_labels": "tag",
            "acknowledge": "acknowledge",
            "add_silence": "silence",
            "end_silence": "unsilence",
            "throw_away": "delete",
            "take_back": "restore",
            "empty_trash": "purge",
        }[door]
    )
    assert (done.run == "a") is ("silence" not in done.action)


def test_each_change_is_a_line_and_no_change_is_none(store: Path) -> None:
    run = store / "a"
    change_labels(run, lambda said: replace(said, name="one", tags=("x", "y"), pinned=True))
    change_labels(run, lambda said: replace(said, name="two", tags=("y",), note="n"))
    change_labels(run, lambda said: replace(said, name="two", archived=True, pinned=False))
    change_labels(run, lambda said: said)
    said = [(done.action, dict(done.before), dict(done.after)) for done in read_activity(store)]
    assert said == [
        ("rename", {"name": ""}, {"name": "one"}),
        ("tag", {"tags": []}, {"tags": ["x", "y"]}),
        ("pin", {"pinned": False}, {"pinned": True}),
        ("rename", {"name": "one"}, {"name": "two"}),
        ("tag", {"tags": ["x"]}, {"tags": []}),
        ("note", {"note": ""}, {"note": "n"}),
        ("unpin", {"pinned": True}, {"pinned": False}),
        ("archive", {"archived": False}, {"archived": True}),
    ]
    assert all(done.user == current_actor().user for done in read_activity(store))


def test_runs_of_folders_below_are_read_in_order_and_one_alone(store: Path) -> None:
    for i in range(3):
        change_labels(store / "a", lambda said, i=i: replace(said, name=f"a{i}"))  # type: ignore[misc]
        change_labels(store / "sweep/b", lambda said, i=i: replace(said, name=f"b{i}"))  # type: ignore[misc]
    found = read_activity(store, [store / "sweep", store, store.parent])
    assert [done.run for done in found] == ["a", "sweep/b"] * 3
    assert [done.after["name"] for done in read_activity(store, [store / "sweep"], last=2)] == [
        "a2",
        "b2",
    ]
    assert {done.run for done in read_activity(store, run="sweep/b")} == {"sweep/b"}
    assert [done.run for done in read_activity(store / "a", run=".")] == ["."] * 3
    assert read_activity(store, run="b") == []


def test_long_texts_are_cut(store: Path) -> None:
    tags = tuple(f"tag-{i}" for i in range(30))
    change_labels(store / "a", lambda said: replace(said, note="é" * 9000, tags=tags))
    (line, more) = (store / ACTIVITY).read_bytes().splitlines()
    assert len(line) + len(more) < 3000
    assert read_activity(store)[0].after["tags"][-1] == "and 20 more"


def test_damaged_lines_links_and_pipes_are_passed_over(store: Path) -> None:
    change_labels(store / "a", lambda said: replace(said, name="one"))
    with (store / ACTIVITY).open("ab") as file:
        file.write(b'{"time": 5}\nnot json\n\xff\xfe\n[]\n{"time": "x", "action": "tag"}\n{"cut')
    change_labels(store / "a", lambda said: replace(said, name="two"))
    assert [done.action for done in read_activity(store)] == ["rename", "tag", "rename"]
    assert str(read_activity(store)[1].at) == "nan"
    os.mkfifo(store / "sweep" / ACTIVITY)
    assert len(read_activity(store, [store / "sweep"])) == 3
    (store / "elsewhere").mkdir()
    (store / "elsewhere" / ACTIVITY).symlink_to(store / ACTIVITY)
    assert read_activity(store / "elsewhere") == []


def test_what_cannot_be_written_down_is_done_all_the_same(
    store: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    (store / "secret").write_text("mine")
    (store / ACTIVITY).symlink_to(store / "secret")
    with caplog.at_level(logging.WARNING):
        change_labels(store / "a", lambda said: replace(said, name="one"))
    assert "rename was done, and not written down" in caplog.text
    assert (store / "secret").read_text() == "mine"

    def full(*_: Any) -> bool:
        raise OSError(errno.ENOSPC, "No space left on device")

    (store / ACTIVITY).unlink()
    monkeypatch.setattr(activity_log, "append_line", full)
    assert change_labels(store / "a", lambda said: replace(said, name="two")).name == "two"
    assert "No space left on device" in caplog.text


@pytest.mark.slow
def test_it_is_bounded_and_many_writers_lose_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity_log, "_MOST_BYTES", 20_000)

    def write(i: int) -> None:
        log_activity(tmp_path, ANN, "tag", run="a", after={"tags": [f"t{i}"]})

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(150)))
    write(150)  # the last of the others may have put the file aside
    files = {path.name for path in tmp_path.iterdir()}
    assert files == {EARLIER_ACTIVITY, ACTIVITY}
    found = {done.after["tags"][0] for done in read_activity(tmp_path)}
    assert found == {f"t{i}" for i in range(151)}
    for i in range(1000):
        write(i)
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 45_000
    assert read_activity(tmp_path)[-1].after == {"tags": ["t999"]}


def test_a_lock_that_was_left_over_is_in_nobodys_way_for_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(activity_log, "_MOST_BYTES", 10)
    lock = tmp_path / ".lrwatch-activity.lock"
    lock.touch()
    log_activity(tmp_path, ANN, "tag")
    assert lock.exists()
    os.utime(lock, (1, 1))
    log_activity(tmp_path, ANN, "tag")
    log_activity(tmp_path, ANN, "tag")
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lrwatch-activity.1.jsonl"]
    assert len(read_activity(tmp_path)) == 3


def test_a_silence_that_ends_by_itself_was_ended_by_nobody(
    store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silence = add_silence(store, Matcher(), seconds=60.0, reason="known")
    monkeypatch.setattr("time.time", lambda: silence.ends_at + 1)
    end_silence(store, silence.id)
    assert [done.action for done in read_activity(store)] == ["silence"]


def test_people_of_one_thread_are_not_mixed_up() -> None:
    usual = current_actor()
    with acting(ANN):
        with acting(BOB):
            assert current_actor() == BOB
        assert current_actor() == ANN
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(current_actor).result() == usual
    assert current_actor() == usual


@pytest.mark.parametrize(
    "text", ["yesterday", "", "2026-13-01T00:00:00Z", "9999999-01-01", "-1", "0001-01-01T00:00:00"]
)
def test_a_time_that_is_none_stays_a_text(text: str) -> None:
    done = Activity(text, "tag")
    assert done.at != done.at or done.at < 0
    assert in_words(done) == ""


def test_the_format_is_what_the_docs_say(store: Path) -> None:
    with acting(ANN):
        change_labels(store / "a", lambda said: replace(said, name="best"))
    keys = list(json.loads((store / ACTIVITY).read_text()))
    text = (ROOT / "docs/team.md").read_text(encoding="utf-8")
    assert keys == ["time", "user", "role", "via", "action", "run", "before", "after"]
    assert all(f"`{key}`" in text for key in keys)
