"""Tables that scroll sideways where the window is too narrow for them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash import html

__all__ = ["row", "table"]


def table(
    heads: Sequence[str | html.Th], rows: Sequence[html.Tr], label: str, look: str
) -> html.Div:
    """Return a table; an empty head is no head, and `label` is what a screen reader calls it."""
    cells = [
        (html.Th(head, scope="col") if head else html.Td()) if isinstance(head, str) else head
        for head in heads
    ]
    body = html.Table([html.Thead(html.Tr(cells)), html.Tbody(list(rows))], className=look)
    return html.Div(body, className="scroll-x", tabIndex=0, role="region", **{"aria-label": label})


def row(looks: str, *cells: Any, look: str | None = None) -> html.Tr:
    """Return a row; `looks` are classes of its cells, ``head`` of the one that names it."""
    made = [
        html.Th(cell, scope="row") if each == "head" else html.Td(cell, className=each or None)
        for each, cell in zip(looks.split(","), cells, strict=True)
    ]
    return html.Tr(made, className=look)
