from __future__ import annotations

import dataclasses
import json
import math
from pathlib import Path

import pytest
from alert_samples import an_alert

from lrwatch.alerts.watcher_state import (
    JudgedRun,
    KnownAlert,
    RuleTally,
    WatcherHealth,
    WatcherState,
    read_state,
    write_state,
)
from lrwatch.delivery import Message, ReceiverHealth
from lrwatch.errors import StateUnreadable
from lrwatch.plain_files import alerts_folder

WATCHER = WatcherHealth("host", 12, "0.1.0", 100.0, 200.0, 0.01, 3)


def a_message() -> Message:
    return Message("msg_1", "firing", "page", "title", ("line",), (an_alert(),), "", 150.0)


def a_state() -> WatcherState:
    known = KnownAlert(
        an_alert(interval=None, suggested_lr=None),
        "sweep/sgd-3.0",
        "running",
        told_at=150.0,
        told_episode=1,
        told_status="firing",
        times_told=1,
        acknowledged_by="ann",
    )
    return WatcherState(
        updated_at=200.0,
        watcher=WATCHER,
        alerts=(known, KnownAlert(an_alert(rule="too_low"), "b", "silent")),
        receivers=(ReceiverHealth("https://host", "webhook", sent=3, problem="answered 500"),),
        rules={"diverging": RuleTally(sent=1)},
        told_groups={"diverging": 150.0},
        judged={"done": JudgedRun(90.5, "job", 0.1)},
        last_message=7,
        outgoing=(a_message(),),
    )


def test_a_state_is_read_as_it_was_written(tmp_path: Path) -> None:
    write_state(tmp_path, a_state())
    assert read_state(tmp_path) == a_state()


def test_a_store_that_nobody_watched_has_no_state(tmp_path: Path) -> None:
    assert read_state(tmp_path) is None


def test_other_programs_find_the_fields_of_an_alert_side_by_side(tmp_path: Path) -> None:
    state = dataclasses.replace(
        a_state(), alerts=(KnownAlert(an_alert(lr=math.nan), "sgd-3.0", "running"),)
    )
    write_state(tmp_path, state)
    content = json.loads((alerts_folder(tmp_path) / "state.json").read_text())
    assert content["format"] == 1
    alert = content["alerts"][0]
    assert alert["lr"] is None
    assert (alert["rule"], alert["run_key"], alert["told_at"]) == ("diverging", "sgd-3.0", None)
    again = read_state(tmp_path)
    assert again is not None
    assert math.isnan(again.alerts[0].alert.lr)


def test_only_an_episode_that_fired_can_have_been_told() -> None:
    pending = KnownAlert(an_alert(state="pending", episode=0), "run", "running")
    assert not pending.is_told
    assert a_state().alerts[0].is_told


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": 1}', '{"format": "x"}', "\0"])
def test_a_damaged_state_says_so(tmp_path: Path, text: str) -> None:
    alerts_folder(tmp_path).mkdir()
    (alerts_folder(tmp_path) / "state.json").write_text(text)
    with pytest.raises(StateUnreadable, match="is damaged"):
        read_state(tmp_path)


def test_a_state_whose_parts_are_of_another_kind_is_damaged(tmp_path: Path) -> None:
    write_state(tmp_path, a_state())
    path = alerts_folder(tmp_path) / "state.json"
    content = json.loads(path.read_text())
    for name in content:
        path.write_text(json.dumps({**content, name: "nonsense"}))
        with pytest.raises(StateUnreadable):
            read_state(tmp_path)


def test_a_state_of_the_previous_version_is_read(tmp_path: Path) -> None:
    write_state(tmp_path, a_state())
    path = alerts_folder(tmp_path) / "state.json"
    content = json.loads(path.read_text())
    del content["last_message"]
    path.write_text(json.dumps(content))
    assert read_state(tmp_path) == dataclasses.replace(a_state(), last_message=0)


def test_a_state_of_a_later_format_is_not_guessed_at(tmp_path: Path) -> None:
    write_state(tmp_path, a_state())
    path = alerts_folder(tmp_path) / "state.json"
    path.write_text(path.read_text().replace('"format": 1', '"format": 2', 1))
    with pytest.raises(StateUnreadable, match="reads up to 1"):
        read_state(tmp_path)


def test_what_a_later_version_added_is_left_out(tmp_path: Path) -> None:
    write_state(tmp_path, a_state())
    path = alerts_folder(tmp_path) / "state.json"
    content = json.loads(path.read_text())
    content["new"] = content["watcher"]["new"] = content["alerts"][0]["new"] = 1
    path.write_text(json.dumps(content))
    assert read_state(tmp_path) == a_state()


def test_a_disk_that_is_full_leaves_the_state_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_state(tmp_path, a_state())

    def fail(fd: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", fail)
    with pytest.raises(OSError, match="No space"):
        write_state(tmp_path, dataclasses.replace(a_state(), updated_at=300.0))
    assert read_state(tmp_path) == a_state()
    assert [path.name for path in alerts_folder(tmp_path).iterdir()] == ["state.json"]


@pytest.mark.parametrize(
    ("part", "field", "value"),
    [
        ("alerts", "verdict", "cursed"),
        ("alerts", "severity", "fatal"),
        ("alerts", "state", "on fire"),
        ("alerts", "run", {"type": "Script"}),
        ("alerts", "step", True),
        ("alerts", "told_at", "now"),
        ("receivers", "sent", "many"),
        ("outgoing", "lines", [1]),
    ],
)
def test_a_state_that_no_watcher_wrote_so_is_damaged(
    tmp_path: Path, part: str, field: str, value: object
) -> None:
    write_state(tmp_path, a_state())
    path = alerts_folder(tmp_path) / "state.json"
    content = json.loads(path.read_text())
    content[part][0][field] = value
    path.write_text(json.dumps(content))
    with pytest.raises(StateUnreadable, match=f"{field}"):
        read_state(tmp_path)


def test_a_time_that_was_not_known_is_read_again(tmp_path: Path) -> None:
    known = KnownAlert(an_alert(time=math.nan), "sgd-3.0", "running")
    write_state(tmp_path, dataclasses.replace(a_state(), alerts=(known,)))
    again = read_state(tmp_path)
    assert again is not None
    assert math.isnan(again.alerts[0].alert.time)


@pytest.mark.parametrize(
    "text", ['{"a":' * 100_000, '{"format": 1, "updated_at": 1' + "0" * 400 + "}"]
)
def test_a_state_that_is_nested_too_deeply_or_too_large_is_damaged(
    tmp_path: Path, text: str
) -> None:
    alerts_folder(tmp_path).mkdir()
    (alerts_folder(tmp_path) / "state.json").write_text(text)
    with pytest.raises(StateUnreadable):
        read_state(tmp_path)
