"""The file around a report: a head with the style sheet in it, and the report's elements."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

from lrwatch_dashboard.standalone.markup import markup

__all__ = ["document"]

_STYLE_SHEET: Final = Path(__file__).parents[1] / "assets" / "lrwatch.css"
_DARK: Final = re.compile(r':root\[data-theme="dark"\] (\{.*?\n\})', re.DOTALL)
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"


def document(title: str, body: Any) -> bytes:
    """Return a whole HTML file.

    Parameters
    ----------
    title
        Title of the window, as text.
    body
        Dash elements; a chart among them is drawn as it is, without a script.
    """
    root = Element("html", lang="en")
    head = SubElement(root, "head")
    SubElement(head, "meta", charset="utf-8")
    SubElement(head, "meta", {"http-equiv": "Content-Security-Policy", "content": _POLICY})
    for name, content in (
        ("viewport", "width=device-width, initial-scale=1"),
        ("color-scheme", "light dark"),
        ("referrer", "no-referrer"),
    ):
        SubElement(head, "meta", name=name, content=content)
    SubElement(head, "title").text = title
    SubElement(head, "style").text = _style()
    page = SubElement(SubElement(root, "body"), "main")
    page.extend([*markup(body)])  # a list: `extend` hides what a generator raises
    text = tostring(root, encoding="unicode", method="html")
    return f"<!DOCTYPE html>\n{text}\n".encode("utf-8", "replace")


@functools.cache
def _style() -> str:
    """Return the style sheet of the dashboard, its dark colours following the system's choice."""
    text = _STYLE_SHEET.read_text("utf-8")
    return _DARK.sub(r"@media (prefers-color-scheme: dark) { :root \1 }", text)
