"""Parts that several pages have: the heading, a chart, and a page that only says something."""

from __future__ import annotations

from typing import Any

from dash import dcc, html

from lrwatch_dashboard.figures import GRAPH_CONFIG, no_figure

__all__ = ["chart", "heading", "message"]


def heading(title: str, *below: Any) -> html.Div:
    """Return the heading of a page, and what stands right below it."""
    return html.Div([html.H1(title), *below], className="run-head")


def chart(id_: str, label: str, height: int = 860) -> html.Section:
    """Return the place of a chart, of the height in pixels that it will have."""
    graph = dcc.Graph(id=id_, config=dict(GRAPH_CONFIG), figure=no_figure(height))
    return html.Section(graph, className="chart", role="figure", **{"aria-label": label})


def message(title: str, *paragraphs: Any) -> html.Div:
    """Return a page that has nothing but a sentence or two."""
    return html.Div([html.H1(title), *paragraphs], className="empty")
