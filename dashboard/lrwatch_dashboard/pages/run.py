"""The Run page: one run's verdict, its curves on one axis, and what the verdict rests on."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import unquote

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from lrwatch_dashboard import ids
from lrwatch_dashboard.components.evidence_table import evidence_table
from lrwatch_dashboard.components.run_header import run_status, verdict_card
from lrwatch_dashboard.components.settings_list import settings_list
from lrwatch_dashboard.figures import GRAPH_CONFIG, message_figure, run_figure
from lrwatch_dashboard.pages.overview import POLL_MILLISECONDS
from lrwatch_dashboard.views import RunSource, RunView, Window

__all__ = ["draw", "key_of", "layout", "poll", "register"]


def key_of(pathname: str) -> str:
    """Return the run that an address means; the opposite of `run_href`."""
    return unquote(pathname.removeprefix("/run/")) or "."


def layout(source: RunSource, key: str) -> html.Div:
    """Return the page of a run, or one that says that there is no such run."""
    view = source.run(key)
    if view is None:
        return _no_such_run(key)
    return html.Div(
        [
            dcc.Interval(id=ids.RUN_TICK, interval=POLL_MILLISECONDS),
            dcc.Store(id=ids.RUN_KEY, data=view.key),
            dcc.Store(id=ids.RUN_TOKEN, data=view.token),
            dcc.Store(id=ids.RUN_CURVES_TOKEN, data=""),
            dcc.Store(id=ids.RUN_ZOOM),
            html.Div(
                [
                    html.H1(view.name),
                    html.P(run_status(view, time.time()), id=ids.RUN_STATUS, className="status"),
                ],
                className="run-head",
            ),
            html.Div(verdict_card(view), id=ids.RUN_VERDICT),
            html.Section(
                dcc.Graph(id=ids.GRAPH, config=dict(GRAPH_CONFIG), figure=_no_figure()),
                className="chart",
                role="img",
                **{"aria-label": "Loss, learning rate, gradient norm and update ratio by step"},
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
        table = evidence_table(view.judgement.evidence)
        answer |= {"verdict": verdict_card(view), "evidence": table, "token": view.token}
    return answer


def draw(source: RunSource, key: str, window: Window | None, theme: str, drawn: str) -> Any:
    """Return figure and token, or neither if the token says that this is what is shown.

    Parameters
    ----------
    source, key
        Where the run comes from, and which.
    window
        Steps to show in full detail; None for all.
    theme
        ``"light"`` or ``"dark"``.
    drawn
        Token of the figure that is shown.
    """
    view, curves = source.run(key), source.curves(key, window)
    if view is None:
        return no_update, no_update
    if curves is None:
        token = f"unreadable {theme}"
        said = message_figure("The rows of this run cannot be read.", theme=theme)
        return (no_update, no_update) if token == drawn else (said, token)
    judgement = view.judgement
    token = f"{curves.token} {judgement.verdict} {judgement.interval} {window} {theme}"
    if token == drawn:
        return no_update, no_update
    return run_figure(curves, judgement, theme=theme), token


def register(app: Dash, source: RunSource) -> None:
    """Connect the page's callbacks."""

    def on_tick(_n: int, key: str, token: str) -> dict[str, Any]:
        return poll(source, key, token, time.time())

    def on_view(_n: int, zoom: list[float] | None, theme: str, key: str, drawn: str) -> Any:
        window = (float(zoom[0]), float(zoom[1])) if zoom else None
        return draw(source, key, window, theme, drawn)

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
    app.callback(
        Output(ids.GRAPH, "figure"),
        Output(ids.RUN_CURVES_TOKEN, "data"),
        Input(ids.RUN_TICK, "n_intervals"),
        Input(ids.RUN_ZOOM, "data"),
        Input(ids.THEME, "data"),
        State(ids.RUN_KEY, "data"),
        State(ids.RUN_CURVES_TOKEN, "data"),
    )(on_view)
    app.clientside_callback(
        ClientsideFunction("lrwatch", "zoomOf"),
        Output(ids.RUN_ZOOM, "data"),
        Input(ids.GRAPH, "relayoutData"),
        State(ids.RUN_ZOOM, "data"),
        prevent_initial_call=True,
    )


def _rests_on(view: RunView) -> html.Div:
    return html.Div(
        [
            html.Section(
                [
                    html.H2("Evidence"),
                    html.Div(evidence_table(view.judgement.evidence), id=ids.RUN_EVIDENCE),
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


def _no_figure() -> dict[str, Any]:
    """Return a chart without axes, of the height of the one that follows."""
    hidden = {"visible": False}
    ground = "rgba(0,0,0,0)"
    return {
        "data": [],
        "layout": {
            "height": 860,
            "xaxis": hidden,
            "yaxis": hidden,
            "paper_bgcolor": ground,
            "plot_bgcolor": ground,
            "uirevision": "run",
        },
    }


def _no_such_run(key: str) -> html.Div:
    return html.Div(
        [
            html.H1("No such run"),
            html.P(["There is no run ", html.Code(key), " in the watched folder."]),
            html.A("All runs", href="/"),
        ],
        className="empty",
    )
