"""The Overview: every run, worst first, live."""

from __future__ import annotations

from typing import Any, Final

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from lrwatch.formats import count, counted
from lrwatch_dashboard import ids
from lrwatch_dashboard.address import query
from lrwatch_dashboard.components.run_table import run_table, table_change
from lrwatch_dashboard.components.verdicts import mark_counts, mark_filters
from lrwatch_dashboard.data.sweeps import shared_trouble
from lrwatch_dashboard.pages.page import Page, follow, frame
from lrwatch_dashboard.theme import MARKS
from lrwatch_dashboard.views import Overview, RunSource

__all__ = ["PAGE", "empty_state", "layout", "poll", "summary"]

_CHANGE, _TOKEN, _SUMMARY, _SHARED = "overview-change", "overview-token", "summary", "shared"
_TABLE, _EMPTY = "table", "empty"
_VERDICTS: Final = "overview-verdicts"
"""How many runs have each verdict, as text, when what they share was worked out."""
_SNIPPET: Final = """import lrwatch

run = lrwatch.watch(optimizer)      # once, after the optimizer is made
...                                 # train as before"""


def layout(source: RunSource, search: str = "") -> html.Div:
    """Return the page.

    Of the query, ``q`` is the text filter, ``verdict`` the marks that are shown; the script of the
    assets reads ``sort``.
    """
    table = source.overview()
    shared = html.P(_shared(source, table), id=_SHARED, className="shared")
    runs = html.Div(run_table(table.rows), className="table-frame")
    return frame(
        "overview",
        html.H1("Runs", className="unseen"),
        html.Div(
            [_toolbar(table, query(search)), shared, runs],
            id=_TABLE,
            className="table-page",
            hidden=not table.n_runs,
        ),
        html.Div(
            empty_state(table.folder, table.problem),
            id=_EMPTY,
            className="empty",
            hidden=bool(table.n_runs),
        ),
        held={_TOKEN: table.token, _VERDICTS: _verdicts(table), _CHANGE: None},
        look="overview",
    )


def _toolbar(table: Overview, words: dict[str, str]) -> html.Div:
    pressed = [mark for mark in words.get("verdict", "").split(",") if mark in MARKS]
    return html.Div(
        [
            mark_filters(table.verdicts, pressed),
            dcc.Input(
                id="filter",
                type="search",
                value=words.get("q", ""),
                placeholder="Filter runs  /",
                className="filter",
                autoComplete="off",
                spellCheck=False,
            ),
            html.Button(
                "Compare",
                id="compare-button",
                className="action",
                title="Select runs with space or x, then compare them (c)",
                disabled=True,
            ),
            html.Button(
                "CSV",
                id="csv-button",
                className="action",
                title="Save this table as CSV",
                **{"aria-label": "Save this table as CSV"},
            ),
            html.Span(summary(table), id=_SUMMARY, className="summary"),
        ],
        className="toolbar",
    )


def summary(table: Overview) -> str:
    """Return how many runs there are, and how many of them are running."""
    judging = table.verdicts.get("judging", 0)
    more = f", judging {count(judging)}" if judging else ""
    return f"{counted(table.n_runs, 'run')}, {count(table.n_running)} running{more}"


def _verdicts(table: Overview) -> str:
    return str(sorted(table.verdicts.items()))


def _shared(source: RunSource, table: Overview) -> list[Any]:
    """Return what the flagged runs share, once every run has its verdict."""
    said = "" if table.verdicts.get("judging") else shared_trouble(source.runs())
    if not said:
        return []
    return ["Flagged runs share: ", html.Span(said), html.A("Sweep", href="/sweep")]


def poll(source: RunSource, token: str, verdicts: str) -> dict[str, Any]:
    """Return what changed in the page since it got a token.

    `verdicts` stands for the verdicts when what the flagged runs share was worked out.
    """
    table = source.overview(token)
    if table.token == token:
        return {"counts": [no_update] * len(MARKS)}
    changes = {
        "change": table_change(table),
        "token": table.token,
        "summary": summary(table),
        "counts": mark_counts(table.verdicts),
        "no_table": not table.n_runs,
        "no_empty": bool(table.n_runs),
    }
    if _verdicts(table) != verdicts:
        changes |= {"shared": _shared(source, table), "verdicts": _verdicts(table)}
    if not table.n_runs:
        changes["empty"] = empty_state(table.folder, table.problem)
    return changes


def _connect(app: Dash, source: RunSource) -> None:
    def on_tick(token: str, verdicts: str) -> dict[str, Any]:
        return poll(source, token, verdicts)

    outputs = {
        "change": Output(_CHANGE, "data"),
        "token": Output(_TOKEN, "data"),
        "summary": Output(_SUMMARY, "children"),
        "shared": Output(_SHARED, "children"),
        "verdicts": Output(_VERDICTS, "data"),
        "counts": Output({"type": ids.MARK_COUNT, "mark": ALL}, "children"),
        "no_table": Output(_TABLE, "hidden"),
        "no_empty": Output(_EMPTY, "hidden"),
        "empty": Output(_EMPTY, "children"),
    }
    follow(app, "overview", on_tick, outputs, [State(_TOKEN, "data"), State(_VERDICTS, "data")])
    app.clientside_callback(
        ClientsideFunction("lrwatch", "applyRows"),
        Input(_CHANGE, "data"),
        prevent_initial_call=True,
    )


PAGE: Final = Page("/", layout, "Overview", connect=_connect)


def empty_state(folder: str, problem: str = "") -> list[html.Div | html.H2 | html.P | html.Pre]:
    """Return what to do next: log a run, or mend the folder."""
    if problem:
        return [
            html.H2("Cannot read the runs"),
            html.P([problem, "."]),
            html.P("This page updates automatically as soon as it can.", className="quiet"),
        ]
    return [
        html.H2("No runs yet"),
        html.P(["Watching ", html.Code(folder), ". Runs appear here while they train."]),
        html.Pre(html.Code(_SNIPPET), className="snippet"),
        html.P(
            ["For a first look, ", html.Code("lrwatch demo"), " trains a few small runs."],
            className="quiet",
        ),
    ]
