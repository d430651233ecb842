"""The Run page: one run's verdict, its curves on one axis, and what the verdict rests on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any, Final

from dash import Dash, Output, State, dcc, html

from lrwatch_dashboard import ids
from lrwatch_dashboard.address import ChartView, query, run_href, steps_of
from lrwatch_dashboard.components.facts import settings_list
from lrwatch_dashboard.components.run_labels import run_labels
from lrwatch_dashboard.components.run_parts import (
    curve_table,
    evidence_table,
    run_links,
    run_status,
    verdict_card,
)
from lrwatch_dashboard.components.view_bar import view_bar
from lrwatch_dashboard.figures import message_figure, run_figure
from lrwatch_dashboard.pages.page import (
    Page,
    chart,
    follow,
    frame,
    heading,
    message,
    redraw,
    zoom_in_address,
)
from lrwatch_dashboard.views import RunCurves, RunSource, RunView

__all__ = ["PAGE", "draw", "layout", "poll", "report"]

_TOKEN, _DRAWN = "run-token", "run-curves-token"
_STATUS, _VERDICT, _EVIDENCE = "run-status", "run-verdict", "run-evidence"
_NUMBERS, _GRAPH = "run-numbers", "run-graph"

_UNREADABLE: Final = "The rows of this run cannot be read."


def layout(source: RunSource, key: str, search: str = "") -> html.Div:
    """Return the page of a run, or one that says that there is no such run.

    The query says how the chart is shown, as `ChartView` reads it.
    """
    view = source.run(key)
    if view is None:
        gone = html.P(["There is no run ", html.Code(key), " in this folder."])
        return message("No such run", gone, html.A("All runs", href="/"))
    words = query(search)
    status = html.P(run_status(view, time.time()), id=_STATUS, className="status")
    return frame(
        "run",
        heading(view.name, status, *run_labels(view), run_links(view.key)),
        html.Div(verdict_card(view), id=_VERDICT),
        view_bar(ChartView.of(words), run_href(view.key)),
        chart(_GRAPH, "Loss, learning rate, gradient norm and update ratio by step"),
        html.Details([html.Summary("Show as table"), html.Div(id=_NUMBERS)], className="twin"),
        _rests_on(view),
        held={ids.RUN_KEY: view.key, _TOKEN: view.token, _DRAWN: "", ids.VIEW: words},
        look="run",
    )


def poll(source: RunSource, key: str, token: str, now: float) -> dict[str, Any]:
    """Return what changed beside the curves since a token."""
    view = source.run(key)
    if view is None:
        return {"status": "The folder of this run is gone; this is its last known state."}
    status = {"status": run_status(view, now)}
    if view.token == token:
        return status
    evidence = evidence_table(view.evidence)
    return {**status, "verdict": verdict_card(view), "evidence": evidence, "token": view.token}


def draw(
    source: RunSource, key: str, words: Mapping[str, str], theme: str, drawn: str
) -> dict[str, Any] | None:
    """Return chart and table, or None if the token says that they are shown."""
    run = source.run(key)
    if run is None:
        return None
    view, curves = _curves(source, run, words)
    if curves is None:
        token, figure = f"unreadable {theme}", message_figure(_UNREADABLE, theme=theme)
        return None if token == drawn else {"figure": figure, "numbers": "", "token": token}
    interval = run.diagnosis and run.diagnosis.interval
    token = f"{curves.token} {run.verdict} {interval} {view} {theme}"
    if token == drawn:
        return None
    figure = run_figure(curves, run.diagnosis, theme=theme, view=view, clock=run.clock)
    return {"figure": figure, "numbers": curve_table(curves), "token": token}


def report(source: RunSource, key: str, search: str) -> tuple[str, html.Div] | None:
    """Return title and elements of the page as it stands, for a file; None without such a run."""
    run = source.run(key)
    if run is None:
        return None
    view, curves = _curves(source, run, query(search))
    shown: list[Any] = [html.P(_UNREADABLE, className="quiet")]
    if curves is not None:
        theme = "variables"
        figure = run_figure(curves, run.diagnosis, theme=theme, view=view, clock=run.clock)
        twin = [html.Summary("Show as table"), curve_table(curves)]
        shown = [dcc.Graph(figure=figure), html.Details(twin, className="twin")]
    head = heading(run.name, html.P(run_status(run, time.time()), className="status"))
    return run.name, html.Div([head, verdict_card(run), *shown, _rests_on(run)], className="run")


def _curves(
    source: RunSource, run: RunView, words: Mapping[str, str]
) -> tuple[ChartView, RunCurves | None]:
    view = ChartView.of(words).ending_at([(run.last_step, run.clock)])
    return view, source.curves(run.key, steps_of(view, run.clock), view.half_life)


def _connect(app: Dash, source: RunSource) -> None:
    def on_tick(key: str, token: str) -> dict[str, Any]:
        return poll(source, key, token, time.time())

    def on_view(key: str, words: dict[str, str], theme: str, drawn: str) -> dict[str, Any] | None:
        return draw(source, key, words, theme, drawn)

    said = {"status": _STATUS, "verdict": _VERDICT, "evidence": _EVIDENCE}
    outputs = {name: Output(id_, "children") for name, id_ in said.items()}
    held = [State(ids.RUN_KEY, "data"), State(_TOKEN, "data")]
    follow(app, "run", on_tick, {**outputs, "token": Output(_TOKEN, "data")}, held)
    drawn = {
        "figure": Output(_GRAPH, "figure"),
        "numbers": Output(_NUMBERS, "children"),
        "token": Output(_DRAWN, "data"),
    }
    redraw(app, "run", on_view, drawn, [State(ids.RUN_KEY, "data")])
    zoom_in_address(app, _GRAPH)


PAGE: Final = Page("/run/", layout, is_of_run=True, connect=_connect, report=report)


def _rests_on(view: RunView) -> html.Div:
    cards = [
        ("Evidence", html.Div(evidence_table(view.evidence), id=_EVIDENCE), "card wide"),
        (
            "Configuration",
            settings_list(view.config, "None given; pass config={...} to lrwatch.watch."),
            "card",
        ),
        ("Environment", settings_list(view.environment, "None recorded."), "card"),
    ]
    return html.Div(
        [html.Section([html.H2(name), body], className=look) for name, body, look in cards],
        className="rests-on",
    )
