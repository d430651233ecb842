"""Who did what: a card of the Alerts page, and a line of a run's page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from dash import html

from lrwatch.activity import Activity, in_words
from lrwatch.formats import printable
from lrwatch_dashboard.address import run_href
from lrwatch_dashboard.components.common_parts import moment

__all__ = ["activity_card", "activity_line"]

_MOST_OF_A_RUN: Final = 3
_GONE: Final = ("delete", "purge")


def activity_card(activity: Sequence[Activity]) -> html.Section:
    """Return what people did in a store, in the order given."""
    items = [html.Li([_what(done), html.Div(_who(done), className="quiet")]) for done in activity]
    return html.Section(
        [html.H2("Who did what"), html.Ul(items, className="silences")],
        className="card",
        **{"data-part": "activity"},
    )


def activity_line(activity: Sequence[Activity]) -> list[html.P]:
    """Return what people did to a run, the latest first; nothing if they did nothing."""
    if not activity:
        return []
    parts = [
        html.Span([printable(in_words(done)), " ", *_who(done)], className="part")
        for done in activity[:_MOST_OF_A_RUN]
    ]
    return [html.P(parts, className="activity quiet")]


def _what(done: Activity) -> html.Div:
    said: list[Any] = [printable(in_words(done))]
    if done.run:
        name = printable(done.run)
        run: Any = html.A(name, href=run_href(done.run), className="what")
        if done.action in _GONE:
            run = html.Span(name, className="what")
        said = [run, " ", *said]
    return html.Div(said)


def _who(done: Activity) -> list[Any]:
    return ["by ", printable(done.user) or "somebody", " ", moment(done.at)]
