"""Dash elements as HTML elements, for a file that nobody can press a button in."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final
from xml.etree.ElementTree import Element

from dash import dcc, html
from dash.development.base_component import Component

from lrwatch_dashboard.standalone.chart import chart

__all__ = ["markup"]

_LEFT_OUT: Final = (html.Button, html.Nav, dcc.Interval, dcc.Store)
_ATTRIBUTES: Final = {"className": "class", "title": "title", "scope": "scope", "role": "role"}


def markup(part: Any) -> Iterator[Element]:
    """Return the HTML elements of Dash elements; what only acts on a server is left out.

    Text goes in as text: it is escaped when the elements are written.

    Parameters
    ----------
    part
        An element, a list of them, or a text, which gets an element around it.
    """
    if isinstance(part, (list, tuple)):
        for each in part:
            yield from markup(each)
    elif isinstance(part, dcc.Graph):
        yield chart(part.figure)
    elif isinstance(part, Component):
        if not isinstance(part, _LEFT_OUT):
            yield _element(part)
    elif part is not None and part != "":
        text = Element("span")
        text.text = str(part)
        yield text


def _element(part: Any) -> Element:
    # A link to a page of the server leads nowhere from a file.
    element = Element("span" if isinstance(part, html.A) else type(part).__name__.lower())
    for name, value in part.to_plotly_json()["props"].items():
        if value is None:
            continue
        if name in _ATTRIBUTES or name.startswith("aria-"):
            element.set(_ATTRIBUTES.get(name, name), str(value))
    children = getattr(part, "children", None)
    if isinstance(children, (str, int, float)):
        element.text = str(children)
    else:
        element.extend([*markup(children)])
    return element
