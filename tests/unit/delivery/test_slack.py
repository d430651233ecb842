from __future__ import annotations

import json

import pytest
from message_samples import a_message
from receivers import HttpReceiver, answer

from lrwatch.delivery import DeliveryFailed
from lrwatch.delivery.slack import Slack, slack_payload

LONGEST_SECTION = 3000
HOSTILE = "<!channel> & <https://example.com|click>"


def texts(payload: dict[str, object]) -> list[str]:
    blocks = json.loads(json.dumps(payload["blocks"]))
    return [block["text"]["text"] for block in blocks]


def test_a_message_is_posted_as_title_lines_and_link() -> None:
    with HttpReceiver(answer(200, b"ok")) as http:
        Slack(http.url).send(a_message())
    payload = http.posts[0].json
    assert payload["text"] == "sgd-1 is diverging"
    assert texts(payload) == [
        "*sgd-1 is diverging*",
        "The loss rose from 0.31 to 47. Try 0.05 to 0.14.",
        "<http://127.0.0.1:8050/alerts|Open in lrwatch>",
    ]


def test_there_is_no_empty_block() -> None:
    assert texts(slack_payload(a_message(lines=(), link=""))) == ["*sgd-1 is diverging*"]


def test_a_name_cannot_mention_a_channel_or_become_a_link() -> None:
    payload = slack_payload(a_message(title=HOSTILE, lines=(HOSTILE,), link=""))
    for text in [payload["text"], *texts(payload)]:
        assert "<" not in text
        assert "&lt;!channel&gt; &amp; &lt;https" in text


@pytest.mark.parametrize("line", ["x" * 10_000, "&" * 10_000, "a line of usual length"])
def test_a_section_is_never_longer_than_slack_takes(line: str) -> None:
    payload = slack_payload(a_message(title=line, lines=(line,) * 200))
    assert max(map(len, texts(payload))) <= LONGEST_SECTION


def test_lines_that_do_not_fit_are_counted() -> None:
    lines = tuple(f"{i}: " + "x" * 400 for i in range(64))
    below = texts(slack_payload(a_message(lines=lines)))[1].splitlines()
    assert below[-1] == f"... and {len(lines) - len(below) + 1} more"
    assert below[0] == lines[0]


def test_a_webhook_that_was_removed_is_a_permanent_failure() -> None:
    with HttpReceiver(answer(404, b"no_service")) as http, pytest.raises(DeliveryFailed) as caught:
        Slack(http.url).send(a_message())
    assert caught.value.is_permanent


def test_slack_is_told_once_a_second_at_most() -> None:
    assert Slack("https://hooks.slack.com/services/T/B/X").gap >= 1
