from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from lrwatch.alerts.history import add_history, read_history
from lrwatch.plain_files import alerts_folder


def events(store: Path, **options: int) -> list[object]:
    return [line.get("n") for line in read_history(store, **options)]


def test_lines_are_read_in_the_order_in_which_they_were_added(tmp_path: Path) -> None:
    for n in range(3):
        add_history(tmp_path, "firing", n=n)
    assert events(tmp_path) == [0, 1, 2]
    assert events(tmp_path, last=2) == [1, 2]
    assert all({"at", "event"} <= line.keys() for line in read_history(tmp_path))


def test_a_store_without_a_history_has_none(tmp_path: Path) -> None:
    assert read_history(tmp_path) == []


def test_a_line_cut_short_is_left_out_and_swallows_no_other(tmp_path: Path) -> None:
    add_history(tmp_path, "firing", n=0)
    path = alerts_folder(tmp_path) / "history.jsonl"
    path.write_text(path.read_text() + '{"at": 1, "ev')
    add_history(tmp_path, "resolved", n=1)
    assert events(tmp_path) == [0, 1]


def test_of_a_long_history_only_the_end_is_read(tmp_path: Path) -> None:
    add_history(tmp_path, "firing", n=0)
    path = alerts_folder(tmp_path) / "history.jsonl"
    line = json.dumps({"at": 1.0, "event": "firing", "n": 1, "text": "x" * 1000}) + "\n"
    path.write_text(line * 5000)
    add_history(tmp_path, "firing", n=2)
    assert events(tmp_path, last=3) == [1, 1, 2]


def test_what_is_no_number_becomes_null(tmp_path: Path) -> None:
    add_history(tmp_path, "firing", n=float("nan"), pair=(1.0, float("inf")))
    assert read_history(tmp_path)[0]["pair"] == [1.0, None]


def test_a_link_in_place_of_the_history_is_never_written_through(tmp_path: Path) -> None:
    elsewhere = tmp_path / "shell.rc"
    elsewhere.write_text("mine\n")
    alerts_folder(tmp_path).mkdir()
    (alerts_folder(tmp_path) / "history.jsonl").symlink_to(elsewhere)
    with pytest.raises(OSError, match="symbolic links"):
        add_history(tmp_path, "firing", run="$(rm -r ~)")
    assert elsewhere.read_text() == "mine\n"


def test_a_linked_folder_is_never_written_through(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    alerts_folder(tmp_path).symlink_to(elsewhere)
    with pytest.raises(OSError, match="is a symbolic link"):
        add_history(tmp_path, "firing")
    assert list(elsewhere.iterdir()) == []


def test_a_pipe_in_place_of_the_history_makes_nobody_wait(tmp_path: Path) -> None:
    alerts_folder(tmp_path).mkdir()
    os.mkfifo(alerts_folder(tmp_path) / "history.jsonl")
    with pytest.raises(OSError, match="not a plain file"):
        read_history(tmp_path)
    with pytest.raises(OSError, match="not a plain file"):
        add_history(tmp_path, "firing")


def test_a_line_that_is_nested_too_deeply_is_left_out(tmp_path: Path) -> None:
    add_history(tmp_path, "firing", n=0)
    with (alerts_folder(tmp_path) / "history.jsonl").open("a") as file:
        file.write("[" * 100_000 + "\n")
    assert events(tmp_path) == [0]
