"""An alert in words: a headline for a subject line, and the sentences below it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from lrwatch.alert import Alert
from lrwatch.alerts.rules import NO_DATA, UNREADABLE
from lrwatch.formats import printable

__all__ = ["headline", "headline_of_many", "sentences"]

_WHAT: Final[Mapping[str, str]] = {
    "diverging": "is diverging",
    "exploding": "has exploding gradients",
    "oscillating": "oscillates: learning rate too high",
    "too_low": "crawls: learning rate too low",
    "stalled": "is stalled",
    NO_DATA: "has stopped writing",
    UNREADABLE: "cannot be read",
}

_WAS: Final[Mapping[str, str]] = {
    "diverging": "was diverging",
    "exploding": "had exploding gradients",
    "oscillating": "oscillated: learning rate too high",
    "too_low": "crawled: learning rate too low",
    "stalled": "was stalled",
    NO_DATA: "had stopped writing",
    UNREADABLE: "could not be read",
}

_OVER: Final[Mapping[str, str]] = {NO_DATA: "is writing again", UNREADABLE: "can be read again"}

_WHAT_MANY: Final[Mapping[str, str]] = {
    "diverging": "are diverging",
    "too_high": "oscillate: learning rate too high",
    "too_low": "make too little progress: learning rate too low",
    NO_DATA: "have stopped writing",
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
    what = alert.rule if alert.rule in (NO_DATA, UNREADABLE) else alert.verdict
    if alert.state == "resolved":
        return f"{name} {_OVER.get(what) or f'has recovered; it {_WAS[what]}'}"
    if alert.state == "closed":
        return f"{name} has ended; it {_WAS[what]}"
    return f"{name} {_WHAT[what]}"


def headline_of_many(rule: str, subject: str) -> str:
    """Return one line that says what several runs do.

    Examples
    --------
    >>> headline_of_many("diverging", "7 of 64 runs")
    '7 of 64 runs are diverging'
    """
    return f"{subject} {_WHAT_MANY.get(rule, f'need a look ({rule})')}"


def sentences(alert: Alert) -> str:
    """Return reason and advice, numbers first, on one line without control characters."""
    parts = (_sentence(alert.reason), _sentence(alert.advice))
    return printable(" ".join(part for part in parts if part))


def _sentence(text: str) -> str:
    text = text.strip()
    return text if not text or text.endswith((".", "!", "?")) else f"{text}."
