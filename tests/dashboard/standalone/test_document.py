from __future__ import annotations

from html.parser import HTMLParser

import pytest
from attacks import ATTACKS
from dash import dcc, html
from lrwatch_dashboard.standalone import document


class Elements(HTMLParser):
    """What a browser would make of a file."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: set[str] = set()
        self.texts = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.texts += data


def written(*parts: object) -> str:
    return document("a report", list(parts)).decode()


def test_the_file_brings_its_style_and_follows_the_theme_of_the_system() -> None:
    text = written(html.H1("run"))
    assert text.startswith("<!DOCTYPE html>")
    assert "@media (prefers-color-scheme: dark) { :root {" in text
    assert "--ground: #12161C" in text
    assert 'data-theme="dark"' not in text


def test_the_file_asks_for_nothing_and_runs_nothing() -> None:
    text = written(html.P("x"))
    assert "default-src 'none'" in text
    for word in ("http://", "https://", "//", "url(", "@import", "<script", "src=", "<link"):
        assert word not in text.replace("default-src=", "")


def test_what_only_acts_on_a_server_is_left_out() -> None:
    text = written(
        html.A("name", href="/run/a"),
        html.Button("press"),
        dcc.Store(id="x"),
        html.Nav("next"),
        html.P(html.A("open them", href="/compare"), className="run-links"),
    )
    body = text[text.index("</style>") :]
    assert "name" in body
    assert "/run/a" not in body
    assert "press" not in body
    assert "next" not in body
    assert "open them" not in body


@pytest.mark.parametrize("attack", ATTACKS)
def test_texts_are_text(attack: str) -> None:
    found = Elements(document(attack, html.P([attack, html.B(attack)], title=attack)).decode())
    meant = ["html", "head", *["meta"] * 5, "title", "style", "body", "main", "p", "b"]
    assert found.tags == meant
    assert found.attributes <= {"lang", "charset", "name", "content", "http-equiv", "title"}
    assert found.texts.count(attack) == 3


def test_a_text_that_is_no_unicode_does_no_harm() -> None:
    assert b"a&#56448;b" in document("x", html.P("a\udc80b"))
