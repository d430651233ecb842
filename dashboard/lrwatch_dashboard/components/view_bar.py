"""The switches above a chart: x axis, y axis, smoothing, zoom.

Each is a button that says in ``data-view`` which words of the address it sets, or a list of which
one is picked; the script of the assets sets them, and tells the server.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from dash import html

from lrwatch.formats import count
from lrwatch_dashboard.address import ChartView, report_href, table_href

__all__ = ["pick", "save_buttons", "switch", "toolbar", "view_bar"]

_HALF_LIVES: Final = (10, 100, 1000)


def view_bar(view: ChartView, page: str, *more: Any, has_table: bool = False) -> html.Div:
    """Return the switches, as the view has them, and further ones; `page` is without its query."""
    smoothing = [("off", "sm=off", view.half_life == 0), ("auto", "sm=", view.half_life is None)]
    smoothing += [(count(n), f"sm={n}", view.half_life == n) for n in _HALF_LIVES]
    return toolbar(
        switch("x axis", [(x, _word("x", x, "step"), view.x == x) for x in ("step", "time")]),
        switch(
            "y axes",
            [(y, _word("y", y, "auto"), view.y == y) for y in ("auto", "log", "linear")],
        ),
        switch("smoothing", smoothing),
        *more,
        html.Button(
            "Show all",
            className="action reset",
            title="Zoom out (double-click in the chart)",
            hidden=view.window is None and view.last is None,
            **{"data-view": "from=&to=&last="},
        ),
        html.Button(
            "Jump to live",
            className="action to-live",
            title="Move the zoom to the newest steps and follow them",
            hidden=True,
        ),
        save_buttons(page, has_table=has_table),
    )


def toolbar(*parts: Any) -> html.Div:
    """Return switches and buttons in one line above a chart."""
    look = {"className": "view-bar", "role": "toolbar", "aria-label": "Chart"}
    return html.Div(list(parts), **look)


def save_buttons(page: str, *, has_table: bool = False) -> html.Div:
    """Return the buttons that save what a page shows: its chart, its table, or all as one file."""
    buttons: list[Any] = [
        html.Button(
            name,
            className="choice",
            title=f"Save the chart as {name}",
            **{"data-image": name.lower(), "aria-label": f"Save the chart as {name}"},
        )
        for name in ("PNG", "SVG")
    ]
    if has_table:
        buttons.append(_file("CSV", table_href(page), "Save the table as CSV"))
    whole = "Save this page as one HTML file that opens anywhere"
    buttons.append(_file("Report", report_href(page), whole))
    return html.Div(
        html.Div(buttons, className="choices"),
        className="switch saving",
        role="group",
        **{"aria-label": "Save"},
    )


def _file(text: str, href: str, title: str) -> html.A:
    """Return a link to a file of what is shown; the script adds the words of the address."""
    follows = {"data-follows": "view", "aria-label": title}
    return html.A(text, href=href, download="", title=title, className="choice", **follows)


def switch(name: str, choices: list[tuple[str, str, bool]]) -> html.Div:
    """Return a group of buttons of which one is pressed: text, words it sets, whether it is on."""
    buttons = [
        html.Button(
            text,
            className="choice",
            **{"data-view": words, "aria-pressed": "true" if is_on else "false"},
        )
        for text, words, is_on in choices
    ]
    return html.Div(
        [html.Span(name, className="quiet"), html.Div(buttons, className="choices")],
        className="switch",
        role="group",
        **{"aria-label": name},
    )


def pick(name: str, word: str, choices: Iterable[tuple[str, str]], chosen: str) -> html.Label:
    """Return the list: text and value of each choice, an empty value being as usual.

    `word` is what of the address it sets.
    """
    options = [
        html.Option(text, value=value, **({"selected": "selected"} if value == chosen else {}))
        for text, value in choices
    ]
    # By its choice: a browser keeps what was picked in a list that has another one marked.
    listed = html.Select(options, className="pick", key=chosen, **{"data-word": word})
    return html.Label([html.Span(name, className="quiet"), listed], className="switch")


def _word(name: str, value: str, usual: str) -> str:
    return f"{name}=" if value == usual else f"{name}={value}"
