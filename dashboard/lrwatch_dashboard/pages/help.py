"""The Help page: what each verdict means, and the keys."""

from __future__ import annotations

from typing import Any, Final

from dash import html

from lrwatch_dashboard.components.page_shell import key_list
from lrwatch_dashboard.components.verdicts import sample_picture, verdict_badge
from lrwatch_dashboard.pages.page import Page
from lrwatch_dashboard.theme import MARK_LABELS, MARKS, STATES, VERDICTS, Look, Mark

__all__ = ["PAGE", "layout"]

_OF_THE_RATE: dict[Mark, str] = {
    "cross": "The learning rate is too high, and the run is lost or about to be.",
    "up": "The learning rate is too high, but the run still makes progress.",
    "down": "The learning rate is too low, or was cut too early.",
    "ring": "Nothing can be said about the learning rate yet.",
    "disc": "The learning rate looks fine.",
}


def layout(*_where: Any) -> html.Div:
    """Return the page."""
    states = [html.Div([html.Dt(state), html.Dd(what)]) for state, what in STATES.items()]
    return html.Div(
        [
            html.H1("Help"),
            html.Section(
                [
                    html.H2("Verdicts, worst first"),
                    html.P(
                        "The mark says what is wrong with the learning rate, the word how it "
                        "shows. The picture is the loss of a sample run. The page of a run lists "
                        "the tests behind its verdict.",
                        className="quiet",
                    ),
                    *[_marked(mark) for mark in MARKS],
                ],
                className="card help-verdicts",
            ),
            html.Section(
                [html.H2("What a run is doing"), html.Dl(states, className="meanings")],
                className="card",
            ),
            html.Section([html.H2("Keys"), key_list()], className="card"),
        ],
        className="run help-page",
    )


PAGE: Final = Page("/help", layout, "Help")


def _marked(mark: Mark) -> html.Section:
    shown = {verdict: seen for verdict, seen in VERDICTS.items() if seen.mark == mark}
    rows: list[Any] = [_row(verdict, seen) for verdict, seen in shown.items()]
    return html.Section(
        [
            html.H3(MARK_LABELS[mark].capitalize(), className=f"verdict-{mark}"),
            html.P(_OF_THE_RATE[mark]),
            html.Dl(rows, className="meanings"),
        ]
    )


def _row(verdict: str, seen: Look) -> html.Div:
    sentences = f"{seen.meaning}. {seen.sign}." if seen.sign else f"{seen.meaning}."
    said = html.Dd([html.Span(sentences), sample_picture(verdict, seen.mark)])
    return html.Div([html.Dt(verdict_badge(verdict)), said])
