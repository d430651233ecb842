"""The Overview: every run, worst first, live; found, grouped, labelled."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dash import ALL, Dash, Input, Output, State, html, no_update
from dash.exceptions import PreventUpdate

from lrwatch.formats import count, counted
from lrwatch.verdicts import SEVERITY
from lrwatch_dashboard import ids
from lrwatch_dashboard.address import query
from lrwatch_dashboard.components.first_screen import first_screen
from lrwatch_dashboard.components.run_columns import COLUMN_NAMES, METRICS, column_definitions
from lrwatch_dashboard.components.run_table import group_text, run_table, table_change
from lrwatch_dashboard.components.run_tools import run_dialogs, run_toolbar, undo_line
from lrwatch_dashboard.components.verdicts import mark_counts
from lrwatch_dashboard.data.found_runs import FoundRuns, find_runs, known_names
from lrwatch_dashboard.data.sweeps import shared_trouble
from lrwatch_dashboard.pages.page import Page, follow, frame, script
from lrwatch_dashboard.pages.run_requests import answered
from lrwatch_dashboard.theme import MARKS
from lrwatch_dashboard.views import Overview, RunSource, RunView

__all__ = ["PAGE", "early", "empty_state", "layout", "poll", "summary"]

_CHANGE, _TOKEN, _SUMMARY, _SHARED = "overview-change", "overview-token", "summary", "shared"
_TABLE, _EMPTY = "table", "empty"
_DRAWN, _FOUND, _KNOWN, _NEWS = "overview-drawn", "overview-found", "overview-known", "run-news"
_VERDICTS: Final = "overview-verdicts"
"""How many runs have each verdict, as text, when what they share was worked out."""
_USUAL_FOLDER: Final = "runs"


def layout(source: RunSource, search: str = "") -> html.Div:
    """Return the page.

    Of the query, ``q`` is the filter, ``verdict`` the marks that are shown, ``group`` what rows
    are grouped by, ``cols`` the columns in their order; the script of the assets reads ``sort``.
    """
    table, views, words = source.overview(), source.runs(), query(search)
    found = find_runs(views, words.get("q", ""))
    runs = html.Div(
        run_table(table.rows, _columns(words), words.get("group", "")), className="table-frame"
    )
    tools, shared = _above(source, table, views, found, words)
    news = html.Div(id=_NEWS, className="run-news", role="status")
    # For the script, which reads it as soon as the page is drawn.
    first = {
        "data-found": json.dumps(_found(found, views, words)),
        "data-known": json.dumps(_known(views)),
    }
    return frame(
        "overview",
        html.H1("Runs", className="unseen"),
        html.Div(
            [tools, news, shared, runs],
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
        *run_dialogs(),
        html.Div(id="overview-first", hidden=True, **first),
        held={
            _TOKEN: table.token,
            _VERDICTS: _verdicts(table),
            _CHANGE: None,
            _DRAWN: _drawn(words),
            _FOUND: None,
            _KNOWN: None,
            ids.OVERVIEW_WORDS: None,
            ids.OVERVIEW_ASKED: None,
        },
        look="overview",
    )


def early(source: RunSource, bar: html.Header) -> html.Div | None:
    """Return the page as it can be shown before its program is there, its bar given.

    None if nothing is known yet, or there is nothing to show.
    """
    table = source.overview() if source.looked_ago() is not None else None
    if table is None or not table.n_runs:
        return None
    found = find_runs(table.rows, "")
    keys = None if found.keys is None else set(found.keys)
    rows = [row for row in table.rows if keys is None or row.key in keys]
    return first_screen(bar, *_above(source, table, table.rows, found, {}), rows) if rows else None


def _above(
    source: RunSource,
    table: Overview,
    views: Sequence[RunView],
    found: FoundRuns,
    words: Mapping[str, str],
) -> tuple[html.Div, html.P]:
    """Return what stands above the table."""
    said = html.Span(summary(table, found.n_archived), id=_SUMMARY)
    pressed = [mark for mark in words.get("verdict", "").split(",") if mark in MARKS]
    is_read_only = source.labels.is_read_only
    tools = run_toolbar(found.verdicts, words, pressed, said, is_read_only=is_read_only)
    return tools, html.P(_shared(table, views), id=_SHARED, className="shared")


def summary(table: Overview, n_archived: int = 0) -> str:
    """Return how many runs there are, how many are running, and why that may be out of date."""
    judging = table.verdicts.get("judging", 0)
    more = f", judging {count(judging)}" if judging else ""
    more += f", {count(n_archived)} archived" if n_archived else ""
    more += f". {table.problem}" if table.problem else ""
    return f"{counted(table.n_runs, 'run')}, {count(table.n_running)} running{more}"


def poll(
    source: RunSource,
    token: str,
    verdicts: str,
    words: Mapping[str, str] | None = None,
    drawn: str = "",
) -> dict[str, Any]:
    """Return what changed in the page since it got a token.

    Parameters
    ----------
    source
        The runs.
    token
        What the table shows.
    verdicts
        Stands for the verdicts when what the flagged runs share was worked out.
    words
        Those of the address, as they are now; None if they are as when the page came.
    drawn
        Those by which the page was drawn, as `layout` or this wrote them.
    """
    before = json.loads(drawn) if drawn.startswith("[") else ["", "", ""]
    now = json.loads(_drawn(words)) if words is not None else before
    is_other = now[1:] != before[1:]
    table = source.overview("" if is_other else token)
    if table.token == token and now == before:
        return {"counts": [no_update] * len(MARKS)}
    wanted = dict(zip(("q", "group", "cols"), now, strict=True))
    views = source.runs()
    found = find_runs(views, wanted["q"])
    changes = {
        "change": table_change(table, _columns(wanted), wanted["group"]),
        "token": table.token,
        "summary": summary(table, found.n_archived),
        "counts": mark_counts(found.verdicts),
        "no_table": not table.n_runs,
        "no_empty": bool(table.n_runs),
        "drawn": json.dumps(now),
        "found": _found(found, views, wanted),
    }
    if now[2] != before[2]:
        changes["columns"] = column_definitions(_columns(wanted))
    if table.token != token and (table.whole or _verdicts(table) != verdicts):
        changes["known"] = _known(views)
    if _verdicts(table) != verdicts:
        changes |= {"shared": _shared(table, views), "verdicts": _verdicts(table)}
    if not table.n_runs:
        changes["empty"] = empty_state(table.folder, table.problem)
    return changes


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
        html.P("One line in the training script, after the optimizer is made:"),
        html.Pre(html.Code(_line(folder)), className="snippet", tabIndex=0),
        html.P("Or a script as it is, from the terminal:"),
        html.Pre(html.Code(_command(folder)), className="snippet", tabIndex=0),
        html.P(
            ["For a first look, ", html.Code("lrwatch demo"), " trains a few small runs."],
            className="quiet",
        ),
    ]


def _line(folder: str) -> str:
    where = "" if folder == _USUAL_FOLDER else f", dir={folder!r}"
    return f"import lrwatch; run = lrwatch.watch(optimizer{where})"


def _command(folder: str) -> str:
    where = "" if folder == _USUAL_FOLDER else f"--dir {shlex.quote(folder)} "
    return f"lrwatch run {where}train.py"


def _connect(app: Dash, source: RunSource) -> None:
    def on_tick(
        words: dict[str, str] | None, token: str, verdicts: str, drawn: str
    ) -> dict[str, Any]:
        return poll(source, token, verdicts, words, drawn)

    def on_asked(
        asked: dict[str, Any] | None, words: dict[str, str] | None, *shown: str
    ) -> tuple[Any, dict[str, Any]]:
        if not asked:
            raise PreventUpdate  # the page has come, and nobody has asked for anything
        said = undo_line(*answered(source.labels, asked))
        return said, {**dict.fromkeys(outputs, no_update), **on_tick(words, *shown)}

    outputs = _outputs()
    words = ids.OVERVIEW_WORDS
    shown = [State(id_, "data") for id_ in (_TOKEN, _VERDICTS, _DRAWN)]
    follow(app, "overview", on_tick, outputs, [Input(words, "data"), *shown])
    app.callback(
        output=[Output(_NEWS, "children"), outputs],
        inputs=[Input(ids.OVERVIEW_ASKED, "data"), State(words, "data"), *shown],
        prevent_initial_call=True,
    )(on_asked)
    for does, given in (("applyRows", _CHANGE), ("found", _FOUND), ("known", _KNOWN)):
        script(app, f"lrwatch.{does}", Input(given, "data"))


PAGE: Final = Page("/", layout, "Overview", connect=_connect)


def _outputs() -> dict[str, Output]:
    held = {
        "change": _CHANGE,
        "token": _TOKEN,
        "verdicts": _VERDICTS,
        "drawn": _DRAWN,
        "found": _FOUND,
        "known": _KNOWN,
    }
    shown = {"summary": _SUMMARY, "shared": _SHARED, "empty": _EMPTY}
    return {
        **{name: Output(id_, "data", allow_duplicate=True) for name, id_ in held.items()},
        **{name: Output(id_, "children", allow_duplicate=True) for name, id_ in shown.items()},
        "columns": Output(ids.GRID, "columnDefs", allow_duplicate=True),
        "counts": Output({"type": ids.MARK_COUNT, "mark": ALL}, "children", allow_duplicate=True),
        "no_table": Output(_TABLE, "hidden", allow_duplicate=True),
        "no_empty": Output(_EMPTY, "hidden", allow_duplicate=True),
    }


def _columns(words: Mapping[str, str]) -> list[str]:
    return [name for name in words.get("cols", "").split(",") if name]


def _drawn(words: Mapping[str, str]) -> str:
    return json.dumps([words.get(name, "") for name in ("q", "group", "cols")])


def _found(
    found: FoundRuns, views: tuple[RunView, ...], words: Mapping[str, str]
) -> dict[str, Any]:
    """Return what the script needs to show the runs that were asked for, and their groups."""
    by = words.get("group", "")
    groups = {group_text(view, by): _worst(view, by) for view in views} if by else {}
    return {
        "keys": found.keys,
        "note": found.note,
        "by": by,
        "groups": sorted(groups, key=lambda text: (groups[text], *_by_number(text))),
    }


def _worst(view: RunView, by: str) -> int:
    """Return the place of a run's group before its value counts: verdicts come worst first."""
    return SEVERITY.get(view.verdict, len(SEVERITY)) if by == "verdict" else 0


def _by_number(text: str) -> tuple[bool, float, str]:
    try:
        return False, float(text.replace(",", "")), text
    except ValueError:
        return True, 0.0, text


def _known(views: tuple[RunView, ...]) -> dict[str, Any]:
    columns = {"columns": list(COLUMN_NAMES.items()), "values": list(METRICS.items())}
    return {**known_names(views), **columns}


def _verdicts(table: Overview) -> str:
    return str(sorted(table.verdicts.items()))


def _shared(table: Overview, views: Sequence[RunView]) -> list[Any]:
    """Return what the flagged runs share, once every run has its verdict."""
    said = "" if table.verdicts.get("judging") else shared_trouble(views)
    if not said:
        return []
    return ["Flagged runs share: ", html.Span(said), html.A("Sweep", href="/sweep")]
