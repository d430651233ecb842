"""A verdict as mark, word and colour."""

from __future__ import annotations

from dash import html

from lrwatch_dashboard.theme import look

__all__ = ["mark_shape", "verdict_badge"]


def mark_shape(mark: str) -> html.Span:
    """Return the bare shape of a mark; the style sheet draws it."""
    return html.Span(className=f"mark mark-{mark}", **{"aria-hidden": "true"})


def verdict_badge(verdict: str) -> html.Span:
    """Return the badge of a verdict, its meaning in the tooltip."""
    shown = look(verdict)
    return html.Span(
        [mark_shape(shown.mark), html.Span(shown.word)],
        className=f"verdict verdict-{shown.mark}",
        title=shown.meaning or None,
    )
