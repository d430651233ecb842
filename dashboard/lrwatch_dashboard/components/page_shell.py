"""What surrounds every page: the bar on top, the notice of a lost server, the help."""

from __future__ import annotations

from collections.abc import Iterable

from dash import dcc, html

from lrwatch_dashboard import ids
from lrwatch_dashboard.components.key_list import key_list
from lrwatch_dashboard.components.verdict_badge import mark_shape
from lrwatch_dashboard.theme import VERDICTS

__all__ = ["page_shell"]


def page_shell(pages: Iterable[tuple[str, str]] = ()) -> html.Div:
    """Return the frame into which the pages are put; `pages` are names and paths for the bar."""
    return html.Div(
        [
            dcc.Location(id=ids.URL, refresh=False),
            dcc.Store(id=ids.THEME),
            dcc.Store(id=ids.BEAT),
            html.A("Skip to the page", href="#" + ids.PAGE, className="skip"),
            _bar(pages),
            html.Div(
                "The server is not responding; this page shows its last known state.",
                id="lost",
                role="status",
                hidden=True,
            ),
            html.Div(
                [
                    "Your session has ended; this page shows its last known state. ",
                    html.Button("Sign in", id="sign-in", className="action"),
                ],
                id="signed-out",
                role="status",
                hidden=True,
            ),
            # Speaks of new verdicts to those who do not see the table change.
            html.Div(id="news", className="unseen", **{"aria-live": "polite"}),
            html.Main(id=ids.PAGE, tabIndex=-1),
            _help(),
        ],
        className="shell",
    )


def _bar(pages: Iterable[tuple[str, str]]) -> html.Header:
    return html.Header(
        [
            html.A(["lr", html.Span("watch")], href="/", className="wordmark"),
            html.Nav([_link(*page) for page in pages], **{"aria-label": "Pages"}),
            html.Div(
                [
                    _button("pause", "live", "Pause the updates (p)"),
                    _button(ids.THEME_TOGGLE, "", "Light or dark (t)"),
                    _button("help-button", "?", "Keys and verdicts (?)"),
                ],
                className="tools",
            ),
        ],
        className="bar",
    )


def _link(name: str, href: str) -> html.A:
    count = [html.Span(id=ids.ALERT_COUNT)] if href == "/alerts" else []
    return html.A([name, *count], href=href)


def _button(id_: str, text: str, label: str) -> html.Button:
    return html.Button(text, id=id_, title=label, className="tool", **{"aria-label": label})


def _help() -> html.Dialog:
    verdicts = [
        html.Div(
            [
                html.Dt([mark_shape(shown.mark), shown.word], className=f"verdict-{shown.mark}"),
                html.Dd(shown.meaning),
            ]
        )
        for shown in VERDICTS.values()
    ]
    return html.Dialog(
        [
            html.Div(
                [
                    html.H2("Keys"),
                    html.Button("Close", className="tool", **{"data-close": "help"}),
                ],
                className="dialog-head",
            ),
            key_list(),
            html.H2("Verdicts, worst first"),
            html.Dl(verdicts, className="meanings"),
        ],
        id=ids.HELP,
        **{"aria-label": "Keys and verdicts"},
    )
