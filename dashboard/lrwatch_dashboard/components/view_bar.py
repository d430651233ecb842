"""The switches above a chart: x axis, y axis, smoothing, zoom.

Each is a button that says in ``data-view`` which words of the address it sets; the script of
the assets sets them, and tells the server.
"""

from __future__ import annotations

from typing import Any, Final

from dash import html

from lrwatch.formats import count
from lrwatch_dashboard.address import ChartView

__all__ = ["image_buttons", "switch", "view_bar"]

_HALF_LIVES: Final = (10, 100, 1000)


def view_bar(view: ChartView, *more: Any) -> html.Div:
    """Return the switches, as the view has them, and further ones."""
    smoothing = [("off", "sm=off", view.half_life == 0), ("auto", "sm=", view.half_life is None)]
    smoothing += [(count(n), f"sm={n}", view.half_life == n) for n in _HALF_LIVES]
    parts = [
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
            title="Leave the zoom (double-click in the chart)",
            hidden=view.window is None,
            **{"data-view": "from=&to="},
        ),
    ]
    parts.append(image_buttons())
    return html.Div(parts, className="view-bar", role="toolbar", **{"aria-label": "Chart"})


def image_buttons() -> html.Div:
    """Return the buttons that save the chart as a picture."""
    buttons = [
        html.Button(
            name,
            className="choice",
            title=f"Save the chart as {name}",
            **{"data-image": name.lower(), "aria-label": f"Save the chart as {name}"},
        )
        for name in ("PNG", "SVG")
    ]
    return html.Div(html.Div(buttons, className="choices"), className="switch images")


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


def _word(name: str, value: str, usual: str) -> str:
    return f"{name}=" if value == usual else f"{name}={value}"
