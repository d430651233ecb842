"""An alert in words: a headline for a subject line, and the sentences below it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lrwatch.alerts.alert import Alert
from lrwatch.alerts.rules import NO_DATA, UNREADABLE
from lrwatch.formats import printable

__all__ = ["headline", "sentences"]

_WHAT: Final[Mapping[str, str]] = {
    "diverging": "is diverging",
    "exploding": "has exploding gradients",
    "oscillating": "oscillates: learning rate too high",
    "too_low": "crawls: learning rate too low",
    "stalled": "is stalled",
    NO_DATA: "has stopped writing",
    UNREADABLE: "cannot be read",
}


def headline(alert: Alert) -> str:
    """Return one line that says which run and what, without control characters.

    Examples
    --------
    >>> headline(alert)  # doctest: +SKIP
    'sgd-3.0 is diverging'
    """
    name = printable(alert.run)
    if alert.state == "resolved":
        return f"{name} has recovered ({_named(alert)})"
    if alert.state == "closed":
        return f"{name} ended while it {_what(alert)}"
    return f"{name} {_what(alert)}"


def sentences(alert: Alert) -> str:
    """Return reason and advice, numbers first, on one line without control characters."""
    parts = (_sentence(alert.reason), _sentence(alert.advice))
    return printable(" ".join(part for part in parts if part))


def _what(alert: Alert) -> str:
    return _WHAT[alert.rule if alert.rule in (NO_DATA, UNREADABLE) else alert.verdict]


def _named(alert: Alert) -> str:
    return alert.rule.replace("_", " ")


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
