from __future__ import annotations

import json
from pathlib import Path

from lrwatch.alerts.history import add_history, read_history
from lrwatch.alerts.state_files import alerts_folder


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
