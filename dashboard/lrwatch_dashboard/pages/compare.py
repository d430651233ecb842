"""The Compare page: chosen runs over one another, and what differs in their settings."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import plotly.graph_objects as go
from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from lrwatch.formats import count
from lrwatch_dashboard import ids
from lrwatch_dashboard.address import ChartView, query, run_keys
from lrwatch_dashboard.components.compare_table import compare_table
from lrwatch_dashboard.components.verdict_list import verdict_list
from lrwatch_dashboard.components.view_bar import switch, view_bar
from lrwatch_dashboard.data.compared import MOST_RUNS, chart_view, chosen_keys, compared, limit
from lrwatch_dashboard.data.comparison import backdrop
from lrwatch_dashboard.data.tables import comparison_rows
from lrwatch_dashboard.figures import GRAPH_CONFIG, compare_figure, message_figure, no_figure
from lrwatch_dashboard.pages.drawing import redraw_when_asked, zoom_in_address
from lrwatch_dashboard.pages.overview import POLL_MILLISECONDS
from lrwatch_dashboard.theme import line_looks
from lrwatch_dashboard.views import RunSource, RunView

__all__ = ["draw", "layout", "register", "report", "status", "table"]


def layout(source: RunSource, search: str = "") -> html.Div:
    """Return the page.

    Parameters
    ----------
    source
        Where the runs come from.
    search
        Query of the address: ``runs`` are keys with commas between, or ``group`` is a run whose
        sweep is meant; ``base`` is one of them; ``others=off`` leaves the other runs out,
        ``seeds=band`` draws runs that differ in the seed only as one; and what `ChartView` reads.
    """
    words, named = query(search), run_keys(search)
    keys = chosen_keys(source, named, words)
    if not keys:
        return _nothing_to_compare()
    others = words.get("others") != "off"
    choices = [("show", "others=", others), ("hide", "others=off", not others)]
    by_seed = words.get("seeds") == "band"
    seeds = [("single", "seeds=", not by_seed), ("band", "seeds=band", by_seed)]
    return html.Div(
        [
            dcc.Interval(id=ids.COMPARE_TICK, interval=POLL_MILLISECONDS),
            dcc.Store(id=ids.COMPARE_RUNS, data=named),
            dcc.Store(id=ids.COMPARE_TOKEN, data=""),
            dcc.Store(id=ids.VIEW, data=words),
            html.Div(
                [
                    html.H1("Compare"),
                    html.P(
                        _status_line(source, keys, words), id=ids.COMPARE_STATUS, className="status"
                    ),
                ],
                className="run-head",
            ),
            html.Div(id=ids.COMPARE_TABLE, className="card"),
            view_bar(
                ChartView.of(words),
                "/compare",
                switch("seeds", seeds),
                switch("other runs", choices),
                has_table=True,
            ),
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


def status(source: RunSource, keys: Sequence[str], words: Mapping[str, str]) -> str:
    """Return the line below the heading: how many runs, and which of them cannot be shown."""
    shown = keys[: limit(words)]
    known = {view.key: view for view in source.runs(shown)}
    missing = [key for key in shown if key not in known]
    n_running = sum(view.state == "running" for view in known.values())
    parts = [f"{count(len(known))} run{'' if len(known) == 1 else 's'}, {n_running} running"]
    if len(keys) > len(shown):
        parts.append(
            f"the first {len(shown)} of {count(len(keys))}; more lines cannot be told apart"
        )
    if missing:
        parts.append("no such run: " + ", ".join(missing))
    return "; ".join(parts)


def _status_line(source: RunSource, keys: Sequence[str], words: Mapping[str, str]) -> list[Any]:
    is_live = any(view.state == "running" for view in source.runs(keys[: limit(words)]))
    dot = html.Span(className="dot dot-running", **{"aria-hidden": "true"})
    return [*([dot] if is_live else []), status(source, keys, words)]


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
    views = source.runs(keys[: limit(words)])
    token = f"{[view.token for view in views]} {sorted(words.items())} {theme}"
    if token == drawn:
        return dict.fromkeys(("figure", "table", "token"), no_update)
    table, figure = _side_by_side(source, views, words, theme)
    return {"figure": figure, "table": table, "token": token}


def report(source: RunSource, search: str) -> tuple[str, html.Div] | None:
    """Return title and elements of the page as it stands, for a file; None if it shows no run."""
    words = query(search)
    keys = chosen_keys(source, run_keys(search), words)
    views = source.runs(keys[: limit(words)])
    if not views:
        return None
    table, figure = _side_by_side(source, views, words, "variables", can_change=False)
    body = html.Div(
        [
            html.Div(
                [html.H1("Comparison"), html.P(status(source, keys, words), className="status")],
                className="run-head",
            ),
            html.Div(table, className="card"),
            dcc.Graph(figure=figure),
            html.Section([html.H2("Why"), verdict_list(views)], className="card"),
        ],
        className="run compare",
    )
    return "compare", body


def _side_by_side(
    source: RunSource,
    views: Sequence[RunView],
    words: Mapping[str, str],
    theme: str,
    *,
    can_change: bool = True,
) -> tuple[html.Div, go.Figure]:
    """Return table and chart of runs."""
    if not views:
        said = message_figure("None of these runs is in the watched folder.", theme=theme)
        return html.Div(), said
    view = chart_view(words, views)
    comparison = compared(source, views, words)
    leads = {run.view.key: run.lead for run in comparison.runs}
    lines = line_looks(list(dict.fromkeys(leads.values())))
    looks = {key: lines[lead] for key, lead in leads.items()}
    others = None
    if words.get("others") != "off":
        others = backdrop(source.runs(), list(looks), by_clock=view.x == "time")
    figure = compare_figure(comparison, looks, others, theme=theme, view=view)
    return compare_table(comparison, looks, can_change=can_change), figure


def table(source: RunSource, search: str) -> list[Sequence[Any]] | None:
    """Return the table of the page as rows, for a file; None if it shows no run."""
    words = query(search)
    keys = chosen_keys(source, run_keys(search), words)
    views = source.runs(keys[: limit(words)])
    return comparison_rows(compared(source, views, words)) if views else None


def register(app: Dash, source: RunSource) -> None:
    """Connect the page's callbacks."""

    def on_tick(
        _n: int, keys: list[str], words: dict[str, str]
    ) -> tuple[list[Any], dict[str, float]]:
        words = words or {}
        line = _status_line(source, chosen_keys(source, keys, words), words)
        return line, {"now": time.time()}

    def on_view(words: dict[str, str], theme: str, keys: list[str], drawn: str) -> dict[str, Any]:
        return draw(source, chosen_keys(source, keys, words), words, theme, drawn)

    app.callback(
        Output(ids.COMPARE_STATUS, "children"),
        Output(ids.BEAT, "data", allow_duplicate=True),
        Input(ids.COMPARE_TICK, "n_intervals"),
        State(ids.COMPARE_RUNS, "data"),
        State(ids.VIEW, "data"),
        prevent_initial_call=True,
    )(on_tick)
    redraw_when_asked(
        app,
        on_view,
        tick=ids.COMPARE_TICK,
        token=ids.COMPARE_TOKEN,
        outputs={
            "figure": Output(ids.COMPARE_GRAPH, "figure"),
            "table": Output(ids.COMPARE_TABLE, "children"),
        },
        state=[State(ids.COMPARE_RUNS, "data")],
    )
    app.clientside_callback(
        ClientsideFunction("lrwatch", "openLine"),
        Input(ids.COMPARE_GRAPH, "clickData"),
        prevent_initial_call=True,
    )
    zoom_in_address(app, ids.COMPARE_GRAPH)


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
