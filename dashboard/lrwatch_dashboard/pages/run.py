"""The Run page: one run's verdict, its curves on one axis, and what the verdict rests on."""

from __future__ import annotations

import time
from typing import Any, Final

import plotly.graph_objects as go
from dash import Dash, Input, Output, State, dcc, html, no_update

from lrwatch_dashboard import ids
from lrwatch_dashboard.address import ChartView, query, run_href, steps_of
from lrwatch_dashboard.components.curve_table import curve_table
from lrwatch_dashboard.components.evidence_table import evidence_table
from lrwatch_dashboard.components.run_header import run_links, run_status, verdict_card
from lrwatch_dashboard.components.settings_list import settings_list
from lrwatch_dashboard.components.view_bar import view_bar
from lrwatch_dashboard.figures import GRAPH_CONFIG, message_figure, no_figure, run_figure
from lrwatch_dashboard.pages.drawing import redraw_when_asked, zoom_in_address
from lrwatch_dashboard.pages.overview import POLL_MILLISECONDS
from lrwatch_dashboard.views import RunSource, RunView

__all__ = ["draw", "layout", "poll", "register", "report"]

_AS_IT_IS: Final = dict.fromkeys(("figure", "numbers", "token"), no_update)


def layout(source: RunSource, key: str, search: str = "") -> html.Div:
    """Return the page of a run, or one that says that there is no such run.

    Parameters
    ----------
    source, key
        Where the run comes from, and which.
    search
        Query of the address: how the chart is shown, as `ChartView` reads it.
    """
    view = source.run(key)
    if view is None:
        return _no_such_run(key)
    words = query(search)
    return html.Div(
        [
            dcc.Interval(id=ids.RUN_TICK, interval=POLL_MILLISECONDS),
            dcc.Store(id=ids.RUN_KEY, data=view.key),
            dcc.Store(id=ids.RUN_TOKEN, data=view.token),
            dcc.Store(id=ids.RUN_CURVES_TOKEN, data=""),
            dcc.Store(id=ids.VIEW, data=words),
            html.Div(
                [
                    html.H1(view.name),
                    html.P(run_status(view, time.time()), id=ids.RUN_STATUS, className="status"),
                    run_links(view.key),
                ],
                className="run-head",
            ),
            html.Div(verdict_card(view), id=ids.RUN_VERDICT),
            view_bar(ChartView.of(words), run_href(view.key)),
            html.Section(
                dcc.Graph(id=ids.GRAPH, config=dict(GRAPH_CONFIG), figure=no_figure()),
                className="chart",
                role="figure",
                **{"aria-label": "Loss, learning rate, gradient norm and update ratio by step"},
            ),
            html.Details(
                [html.Summary("Show as table"), html.Div(id=ids.RUN_NUMBERS)], className="twin"
            ),
            _rests_on(view),
        ],
        className="run",
        **{"data-tick": ids.RUN_TICK},
    )


def poll(source: RunSource, key: str, token: str, now: float) -> dict[str, Any]:
    """Return what changed beside the curves since a token.

    Returns
    -------
    dict
        A value for each output of the callback, by its name.
    """
    view = source.run(key)
    answer: dict[str, Any] = dict.fromkeys(("verdict", "evidence", "token"), no_update)
    answer |= {"status": no_update, "beat": {"now": now}}
    if view is None:
        gone = "The folder of this run is gone; what you see is the last known."
        return answer | {"status": gone}
    answer["status"] = run_status(view, now)
    if view.token != token:
        table = evidence_table(view.evidence)
        answer |= {"verdict": verdict_card(view), "evidence": table, "token": view.token}
    return answer


def draw(source: RunSource, key: str, view: ChartView, theme: str, drawn: str) -> dict[str, Any]:
    """Return what is shown, or nothing new if the token says that this is it.

    Parameters
    ----------
    source, key
        Where the run comes from, and which.
    view
        How it is shown.
    theme
        ``"light"`` or ``"dark"``.
    drawn
        Token of the figure that is shown.

    Returns
    -------
    dict
        A value for each output of the callback, by its name.
    """
    run = source.run(key)
    if run is None:
        return _AS_IT_IS
    view = view.ending_at([(run.last_step, run.clock)])
    curves = source.curves(key, steps_of(view, run.clock), view.half_life)
    if curves is None:
        token = f"unreadable {theme}"
        said = message_figure("The rows of this run cannot be read.", theme=theme)
        return _AS_IT_IS if token == drawn else _drawn(said, "", token)
    interval = run.diagnosis and run.diagnosis.interval
    token = f"{curves.token} {run.verdict} {interval} {view} {theme}"
    if token == drawn:
        return _AS_IT_IS
    figure = run_figure(curves, run.diagnosis, theme=theme, view=view, clock=run.clock)
    return _drawn(figure, curve_table(curves), token)


def _drawn(figure: go.Figure, numbers: Any, token: str) -> dict[str, Any]:
    return {"figure": figure, "numbers": numbers, "token": token}


def report(source: RunSource, key: str, search: str, now: float) -> tuple[str, html.Div] | None:
    """Return title and elements of the page as it stands, for a file; None if there is no such run.

    Parameters
    ----------
    source, key
        Where the run comes from, and which.
    search
        Query of the address, as for `layout`.
    now
        Seconds since the Unix epoch.
    """
    run, view = source.run(key), ChartView.of(query(search))
    if run is None:
        return None
    view = view.ending_at([(run.last_step, run.clock)])
    curves = source.curves(key, steps_of(view, run.clock), view.half_life)
    shown: list[Any] = [html.P("The rows of this run cannot be read.", className="quiet")]
    if curves is not None:
        figure = run_figure(curves, run.diagnosis, theme="variables", view=view, clock=run.clock)
        twin = [html.Summary("Show as table"), curve_table(curves)]
        shown = [dcc.Graph(figure=figure), html.Details(twin, className="twin")]
    head = [html.H1(run.name), html.P(run_status(run, now), className="status")]
    body = html.Div(
        [html.Div(head, className="run-head"), verdict_card(run), *shown, _rests_on(run)],
        className="run",
    )
    return run.name, body


def register(app: Dash, source: RunSource) -> None:
    """Connect the page's callbacks."""

    def on_tick(_n: int, key: str, token: str) -> dict[str, Any]:
        return poll(source, key, token, time.time())

    def on_view(words: dict[str, str], theme: str, key: str, drawn: str) -> dict[str, Any]:
        return draw(source, key, ChartView.of(words), theme, drawn)

    app.callback(
        output={
            "status": Output(ids.RUN_STATUS, "children"),
            "verdict": Output(ids.RUN_VERDICT, "children"),
            "evidence": Output(ids.RUN_EVIDENCE, "children"),
            "token": Output(ids.RUN_TOKEN, "data"),
            "beat": Output(ids.BEAT, "data", allow_duplicate=True),
        },
        inputs=[
            Input(ids.RUN_TICK, "n_intervals"),
            State(ids.RUN_KEY, "data"),
            State(ids.RUN_TOKEN, "data"),
        ],
        prevent_initial_call=True,
    )(on_tick)
    redraw_when_asked(
        app,
        on_view,
        tick=ids.RUN_TICK,
        token=ids.RUN_CURVES_TOKEN,
        outputs={
            "figure": Output(ids.GRAPH, "figure"),
            "numbers": Output(ids.RUN_NUMBERS, "children"),
        },
        state=[State(ids.RUN_KEY, "data")],
    )
    zoom_in_address(app, ids.GRAPH)


def _rests_on(view: RunView) -> html.Div:
    return html.Div(
        [
            html.Section(
                [
                    html.H2("Evidence"),
                    html.Div(evidence_table(view.evidence), id=ids.RUN_EVIDENCE),
                ],
                className="card wide",
            ),
            html.Section(
                [
                    html.H2("Configuration"),
                    settings_list(view.config, "None was given; watch(optimizer, config=...)."),
                ],
                className="card",
            ),
            html.Section(
                [
                    html.H2("Environment"),
                    settings_list(view.environment, "None was recorded."),
                ],
                className="card",
            ),
        ],
        className="rests-on",
    )


def _no_such_run(key: str) -> html.Div:
    return html.Div(
        [
            html.H1("No such run"),
            html.P(["There is no run ", html.Code(key), " in the watched folder."]),
            html.A("All runs", href="/"),
        ],
        className="empty",
    )
