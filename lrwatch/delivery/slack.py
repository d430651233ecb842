"""Slack, by an incoming webhook: one message a group of alerts."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from lrwatch.delivery.channel import TIMEOUT
from lrwatch.delivery.http_post import HttpPost
from lrwatch.delivery.message import Message

__all__ = ["Slack", "slack_payload"]

_SECTION_CHARACTERS: Final = 2900  # Slack takes 3,000 in a section's text
_LINE_CHARACTERS: Final = 500
_ESCAPES: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})


class Slack:
    """Posts messages to a Slack channel.

    Parameters
    ----------
    url
        As Slack gives it: ``https://hooks.slack.com/services/...``. Whoever knows it can post.
    """

    kind = "slack"
    gap = 1.0  # Slack takes one message a second

    def __init__(self, url: str, *, timeout: float = TIMEOUT) -> None:
        self.timeout = timeout
        self._post = HttpPost(url)

    def send(self, message: Message) -> None:
        """Post the message as blocks, with its title for notifications."""
        self._post(json.dumps(slack_payload(message)).encode(), timeout=self.timeout)


def slack_payload(message: Message) -> dict[str, Any]:
    """Return what Slack shows for a message.

    Names of runs come from anybody: what could become a mention, a link or a channel is escaped
    or left as it is.
    """
    title = _escaped(message.title)
    blocks = [_section(f"*{title}*")]
    if message.lines:
        blocks.append(_section("\n".join(_fitting(message.lines))))
    if message.link:
        blocks.append(_section(f"<{message.link.translate(_ESCAPES)}|Open in lrwatch>"))
    return {"text": title, "blocks": blocks}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _fitting(lines: tuple[str, ...]) -> Iterator[str]:
    """Yield as many lines as a section takes, and how many are left out."""
    room = _SECTION_CHARACTERS
    for i, line in enumerate(lines):
        text = _escaped(line)
        room -= len(text) + 1
        if room < 0:
            yield f"... and {len(lines) - i} more"
            return
        yield text


def _escaped(text: str) -> str:
    if len(text) > _LINE_CHARACTERS:
        text = f"{text[: _LINE_CHARACTERS - 1]}…"
    return text.translate(_ESCAPES)
