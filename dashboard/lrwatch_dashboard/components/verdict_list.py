"""What was said of each of several runs, one below the other."""

from __future__ import annotations

from collections.abc import Iterable

from dash import html

from lrwatch_dashboard.components.verdict_badge import verdict_badge
from lrwatch_dashboard.views import RunView

__all__ = ["verdict_list"]


def verdict_list(views: Iterable[RunView]) -> html.Dl:
    """Return verdict, reason and advice of each run."""
    return html.Dl([_row(view) for view in views], className="verdict-list")


def _row(view: RunView) -> html.Div:
    said = [html.Div(view.reason)]
    if view.diagnosis is not None and view.diagnosis.advice:
        said.append(html.Div(view.diagnosis.advice, className="quiet"))
    name = html.Dt([html.Div(view.name, className="run-link"), verdict_badge(view.verdict)])
    return html.Div([name, html.Dd(said)])
