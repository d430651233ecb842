"""A few facts in one line: each a name and a value."""

from __future__ import annotations

from collections.abc import Iterable

from dash import html

__all__ = ["facts"]


def facts(pairs: Iterable[tuple[str, str]]) -> list[html.Div]:
    """Return the line; nothing if there are no facts."""
    parts = [
        html.Div([html.Span(name, className="quiet"), html.Span(value, className="value")])
        for name, value in pairs
    ]
    return [html.Div(parts, className="facts")] if parts else []
