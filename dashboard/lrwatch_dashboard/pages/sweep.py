"""The Sweep page: where runs ended against their learning rate, and which rate won."""

from __future__ import annotations

import time
from typing import Any

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from lrwatch_dashboard import ids
from lrwatch_dashboard.address import ChartView, query
from lrwatch_dashboard.components.sweep_parts import rate_table, sweep_card, sweep_list
from lrwatch_dashboard.components.view_bar import image_buttons, switch
from lrwatch_dashboard.data.sweeps import Loss, find_sweeps, sweep_of
from lrwatch_dashboard.figures import GRAPH_CONFIG, message_figure, no_figure, sweep_figure
from lrwatch_dashboard.pages.overview import POLL_MILLISECONDS
from lrwatch_dashboard.views import RunSource

__all__ = ["draw", "layout", "register"]

_PARTS = ("figure", "card", "list", "table", "token")


def layout(search: str = "") -> html.Div:
    """Return the page, which is filled by its first callback.

    Parameters
    ----------
    search
        Query of the address: ``group`` is a run of the sweep that is shown, ``loss=best``
        measures runs by the least loss, ``y`` is the scale.
    """
    words = query(search)
    view, is_best = ChartView.of(words), words.get("loss") == "best"
    scales = [("auto", "y=", view.y == "auto"), ("linear", "y=linear", view.y == "linear")]
    measures = [("final", "loss=", not is_best), ("best", "loss=best", is_best)]
    return html.Div(
        [
            dcc.Interval(id=ids.SWEEP_TICK, interval=POLL_MILLISECONDS),
            dcc.Store(id=ids.SWEEP_TOKEN, data=""),
            dcc.Store(id=ids.VIEW, data=words),
            html.Div(
                [
                    html.H1("Sweep"),
                    html.P("Runs that differ in learning rate and seed only", className="status"),
                ],
                className="run-head",
            ),
            html.Nav(id=ids.SWEEP_LIST, className="sweep-list", **{"aria-label": "Sweeps"}),
            html.Div(id=ids.SWEEP_CARD),
            html.Div(
                [switch("loss", measures), switch("y axis", scales), image_buttons()],
                className="view-bar",
                role="toolbar",
                **{"aria-label": "Chart"},
            ),
            html.Section(
                dcc.Graph(id=ids.SWEEP_GRAPH, config=dict(GRAPH_CONFIG), figure=no_figure(460)),
                className="chart",
                role="figure",
                **{"aria-label": "Loss against learning rate; the table below says the same"},
            ),
            html.Section(
                [html.H2("By learning rate"), html.Div(id=ids.SWEEP_TABLE)], className="card"
            ),
        ],
        className="run sweep",
        **{"data-tick": ids.SWEEP_TICK},
    )


def draw(source: RunSource, words: dict[str, str], theme: str, drawn: str) -> dict[str, Any]:
    """Return what is shown, or nothing new if the token says that this is it.

    Parameters
    ----------
    source
        Where the runs come from.
    words
        Words of the address.
    theme
        ``"light"`` or ``"dark"``.
    drawn
        Token of what is shown.

    Returns
    -------
    dict
        A value for each output of the callback, by its name.
    """
    said, _, shown = drawn.partition(" ")
    state = f"{sorted(words.items())} {theme}"
    now = source.overview(said).token
    if now == said and state == shown:
        return dict.fromkeys(_PARTS, no_update)
    loss: Loss = "best" if words.get("loss") == "best" else "final"
    found = find_sweeps(source.runs(), loss)
    chosen = sweep_of(found, words.get("group", ""))
    token = f"{now} {state}"
    if chosen is None:
        figure = message_figure("No run has a learning rate yet.", theme=theme)
        return {"figure": figure, "card": "", "list": "", "table": "", "token": token}
    return {
        "figure": sweep_figure(chosen, theme=theme, y=ChartView.of(words).y, loss=loss),
        "card": sweep_card(chosen),
        "list": sweep_list(found, chosen),
        "table": rate_table(chosen),
        "token": token,
    }


def register(app: Dash, source: RunSource) -> None:
    """Connect the page's callbacks."""

    def on_tick(_n: int) -> dict[str, float]:
        return {"now": time.time()}

    def on_view(_n: int, words: dict[str, str], theme: str, drawn: str) -> dict[str, Any]:
        return draw(source, words or {}, theme, drawn)

    app.callback(
        Output(ids.BEAT, "data", allow_duplicate=True),
        Input(ids.SWEEP_TICK, "n_intervals"),
        prevent_initial_call=True,
    )(on_tick)
    app.callback(
        output={
            "figure": Output(ids.SWEEP_GRAPH, "figure"),
            "card": Output(ids.SWEEP_CARD, "children"),
            "list": Output(ids.SWEEP_LIST, "children"),
            "table": Output(ids.SWEEP_TABLE, "children"),
            "token": Output(ids.SWEEP_TOKEN, "data"),
        },
        inputs=[
            Input(ids.SWEEP_TICK, "n_intervals"),
            Input(ids.VIEW, "data"),
            Input(ids.THEME, "data"),
            State(ids.SWEEP_TOKEN, "data"),
        ],
    )(on_view)
    app.clientside_callback(
        ClientsideFunction("lrwatch", "openPoint"),
        Input(ids.SWEEP_GRAPH, "clickData"),
        prevent_initial_call=True,
    )
