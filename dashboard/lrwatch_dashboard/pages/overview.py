"""The Overview: every run, worst first, live."""

from __future__ import annotations

import time
from typing import Any, Final

from dash import ALL, ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from lrwatch.formats import count
from lrwatch_dashboard import ids
from lrwatch_dashboard.address import query
from lrwatch_dashboard.components.empty_state import empty_state
from lrwatch_dashboard.components.mark_filters import mark_counts, mark_filters
from lrwatch_dashboard.components.run_table import run_table, table_change
from lrwatch_dashboard.data.shared_trouble import shared_trouble
from lrwatch_dashboard.theme import MARKS
from lrwatch_dashboard.views import Overview, RunSource

__all__ = ["POLL_MILLISECONDS", "layout", "poll", "register", "summary"]

POLL_MILLISECONDS: Final = 2000


def layout(source: RunSource, search: str = "") -> html.Div:
    """Return the page.

    Parameters
    ----------
    source
        Where the runs come from.
    search
        Query of the address: ``q`` is the text filter, ``verdict`` the marks that are shown;
        the script of the assets reads ``sort``.
    """
    table = source.overview()
    return html.Div(
        [
            dcc.Interval(id=ids.OVERVIEW_TICK, interval=POLL_MILLISECONDS),
            dcc.Store(id=ids.OVERVIEW_TOKEN, data=table.token),
            dcc.Store(id=ids.OVERVIEW_VERDICTS, data=_verdicts(table)),
            dcc.Store(id=ids.OVERVIEW_CHANGE),
            html.H1("Runs", className="unseen"),
            html.Div(
                [
                    _toolbar(table, query(search)),
                    html.P(_shared(source, table), id=ids.SHARED, className="shared"),
                    html.Div(run_table(table.rows), className="table-frame"),
                ],
                id=ids.TABLE,
                className="table-page",
                hidden=not table.n_runs,
            ),
            html.Div(
                empty_state(table.folder, table.problem),
                id=ids.EMPTY,
                className="empty",
                hidden=bool(table.n_runs),
            ),
        ],
        className="overview",
        **{"data-tick": ids.OVERVIEW_TICK},
    )


def _toolbar(table: Overview, words: dict[str, str]) -> html.Div:
    pressed = [mark for mark in words.get("verdict", "").split(",") if mark in MARKS]
    return html.Div(
        [
            mark_filters(table.verdicts, pressed),
            dcc.Input(
                id=ids.FILTER,
                type="search",
                value=words.get("q", ""),
                placeholder="Filter runs  /",
                className="filter",
                autoComplete="off",
                spellCheck=False,
            ),
            html.Button(
                "Compare",
                id=ids.COMPARE_BUTTON,
                className="action",
                title="Select runs with space or x, then compare them (c)",
                disabled=True,
            ),
            html.Button(
                "CSV",
                id=ids.CSV_BUTTON,
                className="action",
                title="Save the table as it is shown",
                **{"aria-label": "Save the table as CSV"},
            ),
            html.Span(summary(table), id=ids.SUMMARY, className="summary"),
        ],
        className="toolbar",
    )


def summary(table: Overview) -> str:
    """Return how many runs there are, and how many of them are running."""
    runs = f"{count(table.n_runs)} run" + ("" if table.n_runs == 1 else "s")
    judging = table.verdicts.get("judging", 0)
    more = f", judging {count(judging)}" if judging else ""
    return f"{runs}, {count(table.n_running)} running{more}"


def _verdicts(table: Overview) -> str:
    return str(sorted(table.verdicts.items()))


def _shared(source: RunSource, table: Overview) -> list[Any]:
    """Return what the flagged runs share, once every run has its verdict."""
    said = "" if table.verdicts.get("judging") else shared_trouble(source.runs())
    if not said:
        return []
    return ["Flagged runs share: ", html.Span(said), html.A("Sweep", href="/sweep")]


def poll(source: RunSource, token: str, verdicts: str, now: float) -> dict[str, Any]:
    """Return what changed in the page since its last poll.

    Parameters
    ----------
    source
        Where the runs come from.
    token
        Stands for the table that the page shows.
    verdicts
        Stands for the verdicts when what the flagged runs share was worked out.
    now
        Seconds since the Unix epoch, for the ages that the page shows.

    Returns
    -------
    dict
        A value for each output of the callback, by its name.
    """
    table = source.overview(token)
    beat = {"now": now}
    if table.token == token:
        return _nothing_but(beat)
    are_new = _verdicts(table) != verdicts
    return {
        "shared": _shared(source, table) if are_new else no_update,
        "verdicts": _verdicts(table) if are_new else no_update,
        "change": table_change(table),
        "token": table.token,
        "summary": summary(table),
        "counts": mark_counts(table.verdicts),
        "no_table": not table.n_runs,
        "no_empty": bool(table.n_runs),
        "empty": empty_state(table.folder, table.problem) if not table.n_runs else no_update,
        "beat": beat,
    }


def register(app: Dash, source: RunSource) -> None:
    """Connect the page's callbacks."""

    def on_tick(_n: int, token: str, verdicts: str) -> dict[str, Any]:
        return poll(source, token, verdicts, time.time())

    app.callback(
        output={
            "change": Output(ids.OVERVIEW_CHANGE, "data"),
            "token": Output(ids.OVERVIEW_TOKEN, "data"),
            "summary": Output(ids.SUMMARY, "children"),
            "shared": Output(ids.SHARED, "children"),
            "verdicts": Output(ids.OVERVIEW_VERDICTS, "data"),
            "counts": Output({"type": ids.MARK_COUNT, "mark": ALL}, "children"),
            "no_table": Output(ids.TABLE, "hidden"),
            "no_empty": Output(ids.EMPTY, "hidden"),
            "empty": Output(ids.EMPTY, "children"),
            "beat": Output(ids.BEAT, "data", allow_duplicate=True),
        },
        inputs=[
            Input(ids.OVERVIEW_TICK, "n_intervals"),
            State(ids.OVERVIEW_TOKEN, "data"),
            State(ids.OVERVIEW_VERDICTS, "data"),
        ],
        prevent_initial_call=True,
    )(on_tick)
    app.clientside_callback(
        ClientsideFunction("lrwatch", "applyRows"),
        Input(ids.OVERVIEW_CHANGE, "data"),
        prevent_initial_call=True,
    )


def _nothing_but(beat: dict[str, float]) -> dict[str, Any]:
    names = ("change", "token", "summary", "shared", "verdicts", "no_table", "no_empty", "empty")
    return dict.fromkeys(names, no_update) | {"counts": [no_update] * len(MARKS), "beat": beat}
