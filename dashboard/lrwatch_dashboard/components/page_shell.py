"""What surrounds every page: the bar on top, the notice of a lost server, keys and verdicts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from dash import dcc, html

from lrwatch.activity import Actor
from lrwatch_dashboard import ids
from lrwatch_dashboard.components.verdicts import mark_shape
from lrwatch_dashboard.theme import VERDICTS

__all__ = ["KEYS", "key_list", "page_bar", "page_shell"]

KEYS: Final = (
    ("/", "filter the runs"),
    ("j  k", "next and previous run"),
    ("Enter", "open the run"),
    ("x", "select or deselect the run"),
    ("c", "compare the selected runs"),
    ("e", "edit name, tags and note of the selected runs"),
    ("g o", "Overview"),
    ("g c", "Compare"),
    ("g s", "Sweep"),
    ("g a", "Alerts"),
    ("l", "switch between log and linear y axes"),
    ("s", "change the smoothing of the loss"),
    ("p", "pause or resume updates"),
    ("t", "switch between light and dark"),
    ("?", "show keys and verdicts"),
)


def key_list() -> html.Dl:
    """Return each key with what it does."""
    keys: list[Any] = []
    for key, meaning in KEYS:
        caps = [html.Kbd(cap) for cap in key.split()]
        keys.append(html.Div([html.Dt(caps), html.Dd(meaning)]))
    return html.Dl(keys, className="keys")


def page_shell(pages: Iterable[tuple[str, str]] = (), who: Actor | None = None) -> html.Div:
    """Return the frame into which the pages are put.

    Parameters
    ----------
    pages
        Names and paths for the bar.
    who
        Who is signed in.
    """
    return html.Div(
        [
            dcc.Location(id=ids.URL, refresh=False),
            dcc.Store(id=ids.THEME),
            dcc.Store(id=ids.BEAT),
            html.A("Skip to the page", href="#" + ids.PAGE, className="skip"),
            page_bar(pages, who),
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


def page_bar(
    pages: Iterable[tuple[str, str]], who: Actor | None, *, shown: str = ""
) -> html.Header:
    """Return the bar on top of every page, with links to those given; `shown` is a path."""
    return html.Header(
        [
            html.A(["lr", html.Span("watch")], href="/", className="wordmark"),
            html.Nav(
                [_link(*page, is_shown=page[1] == shown) for page in pages],
                **{"aria-label": "Pages"},
            ),
            html.Div(
                [
                    *([_signed_in(who)] if who is not None and who.signed_in else []),
                    _button("pause", "live", "Pause the updates (p)"),
                    _button(ids.THEME_TOGGLE, "", "Light or dark (t)"),
                    _button("help-button", "?", "Keys and verdicts (?)"),
                ],
                className="tools",
            ),
        ],
        className="bar",
    )


def _signed_in(who: Actor) -> html.Span:
    may = "may also label, delete and silence" if who.role == "editor" else "may only look"
    return html.Span(
        [
            html.Span(who.user[0].upper(), className="who-initial", **{"aria-hidden": "true"}),
            html.Span(who.user, className="who-name"),
            html.Span(who.role, className="who-role"),
        ],
        id="who",
        className="who",
        title=f"Signed in as {who.user}: {may}",
    )


def _link(name: str, href: str, *, is_shown: bool) -> html.A:
    count = [html.Span(id=ids.ALERT_COUNT)] if href == "/alerts" else []
    return html.A([name, *count], href=href, **{"aria-current": "page"} if is_shown else {})


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
