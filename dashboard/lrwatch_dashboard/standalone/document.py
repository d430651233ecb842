"""A report as a file: a head with the style sheet in it, and Dash elements as plain HTML."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, tostring

from dash import dcc, html
from dash.development.base_component import Component

from lrwatch_dashboard.standalone.chart import chart
from lrwatch_dashboard.standalone.drawing import add_text

__all__ = ["document", "markup"]

_STYLE_SHEET: Final = Path(__file__).parents[1] / "assets" / "lrwatch.css"
_DARK: Final = re.compile(r':root\[data-theme="dark"\] (\{.*?\n\})', re.DOTALL)
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
_LEFT_OUT: Final = (dcc.Interval, dcc.Store)
_OF_A_SERVER: Final = (html.Button, html.Nav)
_ATTRIBUTES: Final = {"className": "class", "title": "title", "scope": "scope", "role": "role"}
_MORE_ATTRIBUTES: Final = {name: name for name in ("href", "type", "placeholder", "hidden")}


def document(title: str, body: Any) -> bytes:
    """Return a whole HTML file of Dash elements; a chart among them is drawn, without a script."""
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
    return b"<!DOCTYPE html>\n%b\n" % tostring(root, encoding="utf-8", method="html")


@functools.cache
def _style() -> str:
    """Return the style sheet of the dashboard, its dark colours following the system's choice."""
    text = _STYLE_SHEET.read_text("utf-8")
    return _DARK.sub(r"@media (prefers-color-scheme: dark) { :root \1 }", text)


def markup(part: Any, *, is_served: bool = False) -> Iterator[Element]:
    """Return Dash elements, or a text, as HTML elements, without their ids.

    Text goes in as text: it is escaped when the elements are written. What acts on a server only is
    left out unless the page `is_served` by it.
    """
    if isinstance(part, (list, tuple)):
        for each in part:
            yield from markup(each, is_served=is_served)
    elif isinstance(part, dcc.Graph):
        yield chart(part.figure)
    elif isinstance(part, Component):
        is_left_out = isinstance(part, _LEFT_OUT if is_served else (*_LEFT_OUT, *_OF_A_SERVER))
        is_way = getattr(part, "className", None) == "run-links" and not is_served
        if not (is_left_out or is_way):
            yield _element(part, is_served=is_served)
    elif part is not None and part != "":
        text = Element("span")
        text.text = str(part)
        yield text


def _element(part: Any, *, is_served: bool) -> Element:
    # A link to a page of the server leads nowhere from a file.
    is_dead_link = isinstance(part, html.A) and not is_served
    element = Element("span" if is_dead_link else type(part).__name__.lower())
    known = _ATTRIBUTES | _MORE_ATTRIBUTES if is_served else _ATTRIBUTES
    for name, value in part.to_plotly_json()["props"].items():
        if value is None or value is False:
            continue
        if name in known or name.startswith("aria-"):
            element.set(known.get(name, name), str(value))
    children = getattr(part, "children", None)
    for child in children if isinstance(children, (list, tuple)) else [children]:
        if isinstance(child, (str, int, float)):
            add_text(element, str(child))
        else:
            element.extend([*markup(child, is_served=is_served)])
    return element
