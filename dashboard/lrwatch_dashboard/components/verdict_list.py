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
    judgement = view.judgement
    said = [html.Div(judgement.reason)]
    if judgement.advice:
        said.append(html.Div(judgement.advice, className="quiet"))
    name = html.Dt([html.Div(view.name, className="run-link"), verdict_badge(judgement.verdict)])
    return html.Div([name, html.Dd(said)])
