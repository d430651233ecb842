from __future__ import annotations

import json
import math

from alert_samples import an_alert
from message_samples import a_message

from lrwatch.codec import decode, encode
from lrwatch.delivery import Message


def test_a_message_is_read_as_it_was_written() -> None:
    assert decode(encode(a_message()), Message) == a_message()


def test_the_payload_says_what_it_is_and_when_in_utc() -> None:
    payload = a_message(status="resolved").payload()
    assert payload["type"] == "lrwatch.alert.resolved"
    assert payload["timestamp"] == "2023-11-14T22:13:20.250Z"
    assert payload["data"]["format"] == 1


def test_the_payload_is_json_that_every_reader_takes() -> None:
    message = a_message(alerts=(an_alert(lr=math.nan),))
    text = json.dumps(message.payload(), allow_nan=False)
    assert json.loads(text)["data"]["alerts"][0]["lr"] is None


def test_no_link_is_null_to_a_program_and_nothing_to_a_reader() -> None:
    message = a_message(link="")
    assert message.payload()["data"]["link"] is None
    assert message.text == "\n".join(message.lines)


def test_a_reader_sees_the_link_below_the_lines() -> None:
    message = a_message()
    assert message.text.splitlines() == [*message.lines, message.link]
