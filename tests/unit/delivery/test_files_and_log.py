from __future__ import annotations

import json
from pathlib import Path

import pytest
from message_samples import a_message

from lrwatch.delivery import DeliveryFailed
from lrwatch.delivery.local_channels import JsonLines, LogLines


def test_a_message_is_one_line_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    channel = JsonLines(path)
    channel.send(a_message(1))
    channel.send(a_message(2, status="resolved"))
    first, second = map(json.loads, path.read_text().splitlines())
    assert first == {"id": a_message(1).id, **json.loads(json.dumps(a_message(1).payload()))}
    assert second["type"] == "lrwatch.alert.resolved"


def test_a_line_that_was_cut_short_does_not_swallow_the_next_one(tmp_path: Path) -> None:
    path = tmp_path / "alerts.jsonl"
    path.write_text('{"id": "msg_')
    JsonLines(path).send(a_message())
    assert json.loads(path.read_text().splitlines()[1])["id"] == a_message().id


def test_a_file_that_cannot_be_written_is_worth_another_try(tmp_path: Path) -> None:
    channel = JsonLines(tmp_path / "folder" / "alerts.jsonl")
    with pytest.raises(DeliveryFailed, match="cannot be written: No such file") as caught:
        channel.send(a_message())
    assert not caught.value.is_permanent
    assert str(tmp_path) not in str(caught.value)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_worth_another_try() -> None:
    with pytest.raises(DeliveryFailed, match="No space left on device") as caught:
        JsonLines(Path("/dev/full")).send(a_message())
    assert not caught.value.is_permanent


def test_a_message_is_one_record_of_the_log(caplog: pytest.LogCaptureFixture) -> None:
    LogLines().send(a_message())
    (record,) = caplog.records
    assert record.name == "lrwatch.alerts"
    assert record.levelname == "WARNING"
    assert record.getMessage() == (
        "sgd-1 is diverging\n"
        "  The loss rose from 0.31 to 47. Try 0.05 to 0.14.\n"
        "  http://127.0.0.1:8050/alerts"
    )
