"""The callbacks that pages with a chart have in common."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State

from lrwatch_dashboard import ids

__all__ = ["redraw_when_asked", "zoom_in_address"]


def redraw_when_asked(
    app: Dash,
    draw: Callable[..., dict[str, Any]],
    *,
    tick: str,
    token: str,
    outputs: Mapping[str, Output],
    state: Sequence[State] = (),
) -> None:
    """Draw a page anew at every poll, and when its view or the theme has changed.

    Parameters
    ----------
    app
        The dashboard.
    draw
        Takes the words of the address, the theme, what `state` holds, and the token of what is
        shown; returns a value for each output, and for ``"token"``.
    tick, token
        Ids of the page's clock, and of what keeps the token.
    outputs
        What is drawn.
    state
        What else it depends on.
    """

    def on_view(
        _n: int, words: dict[str, str] | None, theme: str, drawn: str, *more: Any
    ) -> dict[str, Any]:
        return draw(words or {}, theme, *more, drawn)

    app.callback(
        output={**outputs, "token": Output(token, "data")},
        inputs=[
            Input(tick, "n_intervals"),
            Input(ids.VIEW, "data"),
            Input(ids.THEME, "data"),
            State(token, "data"),
            *state,
        ],
    )(on_view)


def zoom_in_address(app: Dash, graph: str) -> None:
    """Have the zoom of a chart stand in the address."""
    app.clientside_callback(
        ClientsideFunction("lrwatch", "zoomOf"),
        Output(ids.VIEW, "data", allow_duplicate=True),
        Input(graph, "relayoutData"),
        prevent_initial_call=True,
    )
