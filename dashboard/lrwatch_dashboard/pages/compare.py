"""The Compare page: chosen runs over one another, and what differs in their settings."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from lrwatch.formats import count
from lrwatch_dashboard import ids
from lrwatch_dashboard.address import ChartView, query, run_keys, steps_of
from lrwatch_dashboard.components.compare_table import compare_table
from lrwatch_dashboard.components.view_bar import switch, view_bar
from lrwatch_dashboard.data.comparison import backdrop, compare_runs, shared_half_life
from lrwatch_dashboard.figures import GRAPH_CONFIG, compare_figure, message_figure, no_figure
from lrwatch_dashboard.pages.overview import POLL_MILLISECONDS
from lrwatch_dashboard.theme import line_looks
from lrwatch_dashboard.views import RunSource

__all__ = ["MOST_RUNS", "draw", "layout", "register", "status"]

MOST_RUNS: Final = 20


def layout(source: RunSource, search: str = "") -> html.Div:
    """Return the page.

    Parameters
    ----------
    source
        Where the runs come from.
    search
        Query of the address: ``runs`` are keys with commas between, ``base`` is one of them;
        ``others=off`` leaves the other runs out; and what `ChartView` reads.
    """
    words, keys = query(search), run_keys(search)
    if not keys:
        return _nothing_to_compare()
    others = words.get("others") != "off"
    choices = [("show", "others=", others), ("hide", "others=off", not others)]
    return html.Div(
        [
            dcc.Interval(id=ids.COMPARE_TICK, interval=POLL_MILLISECONDS),
            dcc.Store(id=ids.COMPARE_RUNS, data=keys),
            dcc.Store(id=ids.COMPARE_TOKEN, data=""),
            dcc.Store(id=ids.VIEW, data=words),
            html.Div(
                [
                    html.H1("Compare"),
                    html.P(status(source, keys), id=ids.COMPARE_STATUS, className="status"),
                ],
                className="run-head",
            ),
            html.Div(id=ids.COMPARE_TABLE, className="card"),
            view_bar(ChartView.of(words), switch("other runs", choices)),
            html.Section(
                dcc.Graph(id=ids.COMPARE_GRAPH, config=dict(GRAPH_CONFIG), figure=no_figure()),
                className="chart",
                role="figure",
                **{"aria-label": "Loss, learning rate, gradient norm and update ratio of the runs"},
            ),
        ],
        className="run compare",
        **{"data-tick": ids.COMPARE_TICK},
    )


def status(source: RunSource, keys: Sequence[str]) -> str:
    """Return the line below the heading: how many runs, and which of them cannot be shown."""
    shown = keys[:MOST_RUNS]
    known = {view.key: view for view in source.runs(shown)}
    missing = [key for key in shown if key not in known]
    n_running = sum(view.state == "running" for view in known.values())
    parts = [f"{count(len(known))} run{'' if len(known) == 1 else 's'}, {n_running} running"]
    if len(keys) > MOST_RUNS:
        parts.append(
            f"the first {MOST_RUNS} of {count(len(keys))}; more lines cannot be told apart"
        )
    if missing:
        parts.append("no such run: " + ", ".join(missing))
    return "; ".join(parts)


def draw(
    source: RunSource, keys: Sequence[str], words: dict[str, str], theme: str, drawn: str
) -> dict[str, Any]:
    """Return what is shown, or nothing new if the token says that this is it.

    Parameters
    ----------
    source, keys
        Where the runs come from, and which.
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
    shown = keys[:MOST_RUNS]
    views = source.runs(shown)
    token = f"{[view.token for view in views]} {sorted(words.items())} {theme}"
    if token == drawn:
        return dict.fromkeys(("figure", "table", "token"), no_update)
    view = ChartView.of(words)
    half_life = shared_half_life(views) if view.half_life is None else view.half_life
    curves = {
        run.key: source.curves(run.key, steps_of(view, run.clock), half_life) for run in views
    }
    comparison = compare_runs(views, curves, words.get("base", ""))
    looks = line_looks([run.key for run in views])
    others = None
    if words.get("others") != "off":
        others = backdrop(source.runs(), shown, by_clock=view.x == "time")
    figure = compare_figure(comparison, looks, others, theme=theme, view=view)
    if not views:
        figure = message_figure("None of these runs is in the watched folder.", theme=theme)
    return {
        "figure": figure,
        "table": compare_table(comparison, looks),
        "token": token,
    }


def register(app: Dash, source: RunSource) -> None:
    """Connect the page's callbacks."""

    def on_tick(_n: int, keys: list[str]) -> tuple[str, dict[str, float]]:
        return status(source, keys), {"now": time.time()}

    def on_view(
        _n: int, words: dict[str, str], theme: str, keys: list[str], drawn: str
    ) -> dict[str, Any]:
        return draw(source, keys, words or {}, theme, drawn)

    app.callback(
        Output(ids.COMPARE_STATUS, "children"),
        Output(ids.BEAT, "data", allow_duplicate=True),
        Input(ids.COMPARE_TICK, "n_intervals"),
        State(ids.COMPARE_RUNS, "data"),
        prevent_initial_call=True,
    )(on_tick)
    app.callback(
        output={
            "figure": Output(ids.COMPARE_GRAPH, "figure"),
            "table": Output(ids.COMPARE_TABLE, "children"),
            "token": Output(ids.COMPARE_TOKEN, "data"),
        },
        inputs=[
            Input(ids.COMPARE_TICK, "n_intervals"),
            Input(ids.VIEW, "data"),
            Input(ids.THEME, "data"),
            State(ids.COMPARE_RUNS, "data"),
            State(ids.COMPARE_TOKEN, "data"),
        ],
    )(on_view)
    app.clientside_callback(
        ClientsideFunction("lrwatch", "zoomOf"),
        Output(ids.VIEW, "data", allow_duplicate=True),
        Input(ids.COMPARE_GRAPH, "relayoutData"),
        prevent_initial_call=True,
    )


def _nothing_to_compare() -> html.Div:
    return html.Div(
        [
            html.H1("Nothing to compare yet"),
            html.P(
                [
                    "Select runs in the ",
                    html.A("Overview", href="/"),
                    " with the box at their left, ",
                    html.Kbd("space"),
                    " or ",
                    html.Kbd("x"),
                    "; then press ",
                    html.Kbd("c"),
                    " or Compare.",
                ]
            ),
            html.P(f"Up to {MOST_RUNS} runs fit into one chart.", className="quiet"),
        ],
        className="empty",
    )
