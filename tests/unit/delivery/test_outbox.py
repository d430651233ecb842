from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from message_samples import a_message

from lrwatch.delivery import outbox as module
from lrwatch.delivery.outbox import Letter, Outbox, Standing


def a_letter(number: int = 1, **standings: Standing) -> Letter:
    return Letter(a_message(number), standings or {"here": Standing()}, 100.0 + number)


def test_a_message_is_found_again_by_the_next_process(tmp_path: Path) -> None:
    letter = a_letter(1, here=Standing(tries=3, next_at=7.0), there=Standing("sent"))
    Outbox(tmp_path).write(letter)
    assert Outbox(tmp_path).letters() == [letter]


def test_messages_are_found_in_the_order_they_were_written(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    for i in (2, 1, 3):
        outbox.write(a_letter(i))
    assert [letter.queued_at for letter in Outbox(tmp_path).letters()] == [101, 102, 103]


def test_a_message_that_is_done_is_not_found_but_remembered(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    letter = a_letter()
    outbox.write(letter)
    outbox.finish(letter)
    again = Outbox(tmp_path)
    assert again.letters() == []
    assert again.is_done(letter.message.id)
    assert not again.is_done(a_message(2).id)


def test_a_message_that_was_for_nobody_is_not_done() -> None:
    assert not Letter(a_message(), {}).is_done


def test_a_kill_while_a_message_is_moved_to_done_leaves_it_done(tmp_path: Path) -> None:
    letter = a_letter()
    Outbox(tmp_path).finish(letter)
    Outbox(tmp_path).write(letter)
    again = Outbox(tmp_path)
    assert again.letters() == []
    assert [path.name for path in tmp_path.iterdir()] == ["done"]


def test_only_the_last_ones_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DONE_KEPT", 2)
    outbox = Outbox(tmp_path)
    for i in range(4):
        outbox.finish(a_letter(i))
    for found in (outbox, Outbox(tmp_path)):
        assert [found.is_done(a_message(i).id) for i in range(4)] == [False, False, True, True]
    assert len(list((tmp_path / "done").iterdir())) == 2


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"format": 99}',
        '{"format": 1, "message": {"id": "other"}}',
        '{"format": 1, "message": {"id": "msg_bad"}, "receivers": [], "queued_at": 1}',
        '{"format": 1, "message": [], "receivers": {}, "queued_at": 1}',
        "[" * 200_000,
    ],
)
def test_a_damaged_file_is_left_out_and_said(
    content: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox(tmp_path)
    outbox.write(a_letter(1))
    (tmp_path / "msg_bad.json").write_text(content)
    assert len(outbox.letters()) == 1
    assert "msg_bad.json is left out" in caplog.text


def test_files_of_others_are_let_be(tmp_path: Path) -> None:
    for name in ("notes.txt", "a b.json"):
        (tmp_path / name).write_text("{")
    assert Outbox(tmp_path).letters() == []
    assert len(list(tmp_path.iterdir())) == 2


def test_what_a_killed_process_left_half_written_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(_file: int) -> None:
        raise Killed

    outbox = Outbox(tmp_path)
    outbox.finish(a_letter(1))
    with monkeypatch.context() as context:
        context.setattr(os, "fsync", kill)
        for write in (outbox.write, outbox.finish):
            with pytest.raises(Killed):
                write(a_letter(2))
    assert len(list(tmp_path.rglob("*.tmp"))) == 2
    assert Outbox(tmp_path).letters() == []
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("message_id", ["", "../state", "a/b", "msg_" + "0" * 200, "é"])
def test_an_id_that_is_no_file_name_is_refused(message_id: str, tmp_path: Path) -> None:
    letter = Letter(a_message(id=message_id), {"here": Standing()})
    with pytest.raises(ValueError, match="the id of a message must match"):
        Outbox(tmp_path).write(letter)
    assert list(tmp_path.parent.glob("state*")) == []


def test_a_message_that_cannot_be_written_leaves_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(tmp_path)
    letter = a_letter()
    outbox.write(letter)
    letter.standings["here"].tries = 1

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        outbox.write(letter)
    (path,) = tmp_path.iterdir()
    assert json.loads(path.read_text())["receivers"]["here"]["tries"] == 0


@pytest.mark.parametrize("field", [{"created_at": 1e300}, {"severity": "fatal"}, {"lines": [1]}])
def test_a_message_that_no_receiver_could_be_told_is_left_out(
    tmp_path: Path, field: dict[str, object]
) -> None:
    outbox = Outbox(tmp_path)
    outbox.write(a_letter())
    (path,) = tmp_path.iterdir()
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "message": {**content["message"], **field}}))
    assert outbox.letters() == []
