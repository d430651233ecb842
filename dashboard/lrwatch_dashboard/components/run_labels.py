"""What people said of a run: its tags, and its note."""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from lrwatch_dashboard.views import RunView

__all__ = ["run_labels"]


def run_labels(view: RunView) -> list[Any]:
    """Return tags and note as the run's page shows them; nothing where there is nothing.

    The note is Markdown without HTML. Its links may lead to addresses of the web and of mail;
    pictures become links, so that looking at a run asks nothing of other servers.
    """
    tags = [*view.tags, *(["archived"] if view.is_archived else [])]
    parts: list[Any] = []
    if tags:
        parts.append(html.P([html.Span(t, className="tag") for t in tags], className="labels"))
    if view.note:
        text = view.note.replace("![", "[")
        note = dcc.Markdown(text, dangerously_allow_html=False, link_target="_blank")
        parts.append(html.Div(note, className="run-note"))
    return parts
