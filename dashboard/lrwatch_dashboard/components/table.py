"""A table that scrolls sideways where the window is too narrow for it."""

from __future__ import annotations

from collections.abc import Sequence

from dash import html

__all__ = ["table"]


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
