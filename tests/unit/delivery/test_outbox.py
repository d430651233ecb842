from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from message_samples import a_message

from lrwatch.delivery import outbox as module
from lrwatch.delivery.outbox import Outbox, Progress, QueuedMessage

SENT = Progress("sent")


def queued(number: int = 1, **receivers: Progress) -> QueuedMessage:
    return QueuedMessage(a_message(number), receivers or {"here": Progress()}, 100.0, number)


def done(number: int = 1) -> QueuedMessage:
    return queued(number, here=SENT)


def test_a_message_is_found_again_by_the_next_process(tmp_path: Path) -> None:
    message = queued(1, here=Progress(tries=3, next_at=7.0), there=SENT)
    Outbox(tmp_path).write(message)
    assert Outbox(tmp_path).queued() == [message]


def test_messages_are_found_in_the_order_of_their_numbers(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    for i in (2, 1, 3):
        outbox.write(queued(i))
    assert [each.number for each in Outbox(tmp_path).queued()] == [1, 2, 3]


def test_a_message_that_is_done_is_not_found_but_remembered(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    outbox.write(queued())
    outbox.write(done())
    again = Outbox(tmp_path)
    assert again.queued() == []
    assert again.is_done(a_message().id)
    assert not again.is_done(a_message(2).id)


def test_messages_since_a_number_are_found_whether_they_are_done_or_not(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    for message in (done(4), queued(3), done(1), queued(2), done(5)):
        outbox.write(message)
    for found in (outbox, Outbox(tmp_path)):
        assert found.since(2) == [a_message(i) for i in (3, 4, 5)]
        assert found.last_done == 5


def test_a_message_that_was_for_nobody_is_not_done() -> None:
    assert not QueuedMessage(a_message(), {}).is_done


def test_a_kill_while_a_message_is_moved_to_done_leaves_it_done(tmp_path: Path) -> None:
    Outbox(tmp_path).write(done())
    Outbox(tmp_path).write(queued())
    again = Outbox(tmp_path)
    assert again.queued() == []
    assert [path.name for path in tmp_path.iterdir()] == ["done"]


def test_only_the_last_ones_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_DONE_KEPT", 2)
    outbox = Outbox(tmp_path)
    for i in range(4):
        outbox.write(done(i))
    for found in (outbox, Outbox(tmp_path)):
        assert [found.is_done(a_message(i).id) for i in range(4)] == [False, False, True, True]
    assert len(list((tmp_path / "done").iterdir())) == 2


def test_an_outbox_of_the_previous_version_is_gone_on_with(tmp_path: Path) -> None:
    outbox = Outbox(tmp_path)
    for message in (queued(1), done(2)):
        outbox.write(message)
        (path,) = tmp_path.rglob(f"{message.message.id}.*")
        content = json.loads(path.read_text())
        del content["number"]
        if message.is_done:  # of these it wrote but the title
            content["title"], content["done_at"] = content.pop("message")["title"], 200.0
        path.unlink()
        (path.parent / f"{message.message.id}.json").write_text(json.dumps(content))
    again = Outbox(tmp_path)
    assert [each.message for each in again.queued()] == [a_message(1)]
    assert again.is_done(a_message(2).id)
    assert again.since(0) == []


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
def test_a_damaged_file_is_ignored_with_a_warning(
    content: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox(tmp_path)
    outbox.write(queued(1))
    (tmp_path / "msg_bad.json").write_text(content)
    assert len(outbox.queued()) == 1
    assert "msg_bad.json is ignored" in caplog.text


def test_a_message_under_the_name_of_another_is_ignored(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    outbox = Outbox(tmp_path)
    outbox.write(queued(1))
    (tmp_path / f"{a_message(1).id}.json").rename(tmp_path / "msg_copy.json")
    assert outbox.queued() == []
    assert "its name is not the id of its message" in caplog.text


def test_files_of_others_are_ignored(tmp_path: Path) -> None:
    for name in ("notes.txt", "a b.json"):
        (tmp_path / name).write_text("{")
    assert Outbox(tmp_path).queued() == []
    assert len(list(tmp_path.iterdir())) == 2


def test_what_a_killed_process_left_half_written_is_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def kill(_file: int) -> None:
        raise Killed

    outbox = Outbox(tmp_path)
    outbox.write(done(1))
    with monkeypatch.context() as context:
        context.setattr(os, "fsync", kill)
        for message in (queued(2), done(2)):
            with pytest.raises(Killed):
                outbox.write(message)
    assert len(list(tmp_path.rglob("*.tmp"))) == 2
    assert Outbox(tmp_path).queued() == []
    assert not list(tmp_path.rglob("*.tmp"))


@pytest.mark.parametrize("message_id", ["", "../state", "a/b", "msg_" + "0" * 200, "é"])
def test_an_id_that_is_no_file_name_is_refused(message_id: str, tmp_path: Path) -> None:
    message = QueuedMessage(a_message(id=message_id), {"here": Progress()})
    with pytest.raises(ValueError, match="the id of a message must match"):
        Outbox(tmp_path).write(message)
    assert list(tmp_path.parent.glob("state*")) == []


def test_a_message_that_cannot_be_written_leaves_the_earlier_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = Outbox(tmp_path)
    message = queued()
    outbox.write(message)
    message.receivers["here"].tries = 1

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        outbox.write(message)
    (path,) = tmp_path.iterdir()
    assert json.loads(path.read_text())["receivers"]["here"]["tries"] == 0


@pytest.mark.parametrize("field", [{"created_at": 1e300}, {"severity": "fatal"}, {"lines": [1]}])
def test_a_message_that_no_receiver_could_take_is_ignored(
    tmp_path: Path, field: dict[str, object]
) -> None:
    outbox = Outbox(tmp_path)
    outbox.write(queued())
    (path,) = tmp_path.iterdir()
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "message": {**content["message"], **field}}))
    assert outbox.queued() == []
