"""The Alerts page: what fires, what was sent, and what people say to it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dash import Dash, Input, Output, State, html, no_update
from dash.exceptions import PreventUpdate

from lrwatch.activity import current_actor
from lrwatch_dashboard import ids
from lrwatch_dashboard.address import query
from lrwatch_dashboard.alert_views import (
    AlertBoard,
    AlertLine,
    AlertSource,
    Matcher,
    attention,
)
from lrwatch_dashboard.components.activity_list import activity_card
from lrwatch_dashboard.components.alert_list import alert_list, rule_name
from lrwatch_dashboard.components.alert_parts import (
    health_line,
    history_card,
    receiver_card,
    silence_card,
    tally_card,
)
from lrwatch_dashboard.components.silence_dialog import LENGTHS, silence_dialog
from lrwatch_dashboard.pages.page import Page, follow, frame, heading, script
from lrwatch_dashboard.views import RunSource

__all__ = ["PAGE", "answered", "layout", "nav_count", "poll", "silenced"]

_TOKEN, _BOARD = "alerts-token", "alerts-board"
_HEALTH, _NEWS = "alerts-health", "alerts-news"

# Filled by the script of the assets: what a button says, and what the form for a silence holds;
# and the time at which a silence was written, at which the script closes the form.
_DONE = "silence-done"

_LONGEST_NUMBER: Final = 9  # digits


def layout(source: RunSource, search: str = "") -> html.Div:
    """Return the page; ``rule`` in the query shows the alerts of one rule only."""
    board, words = source.alerts.board(), query(search)
    health = html.P(health_line(board, time.time()), id=_HEALTH, className="health")
    return frame(
        "alerts",
        heading("Alerts", health),
        html.P(id=_NEWS, className="said", role="status"),
        html.Div(_body(board, words), id=_BOARD, className="alert-board"),
        silence_dialog(board.rules, current_actor().signed_in),
        held={
            _TOKEN: board.token,
            ids.ALERTS_WORDS: words,
            ids.ALERTS_SAYING: None,
            ids.SILENCE_FORM: None,
            _DONE: None,
        },
        look="run alerts-page" + " is-read-only" * source.alerts.is_read_only,
    )


def poll(source: AlertSource, token: str, words: Mapping[str, str], now: float) -> dict[str, Any]:
    """Return what changed in the page since a token; `now` in seconds since the Unix epoch."""
    board = source.board()
    health = {"health": health_line(board, now)}
    if board.token == token:
        return health
    return {**health, "token": board.token, "board": _body(board, words)}


def answered(source: AlertSource, said: Mapping[str, Any]) -> str:
    """Do what a button of the page says; return what came of it.

    It says ``end``, the id of a silence; or ``alert``, ``episode`` and ``by``.
    """
    if "end" in said:
        return source.end_silence(str(said["end"])) or "Silence ended"
    alert, episode = str(said.get("alert", "")), str(said.get("episode", ""))
    if not episode.isdecimal() or len(episode) > _LONGEST_NUMBER:
        return "Unknown alert"
    problem = source.acknowledge(alert, int(episode), str(said.get("by") or ""))
    return problem or "Acknowledged; it will not be sent again"


def silenced(source: AlertSource, form: Mapping[str, Any]) -> str:
    """Silence alerts as the form says; return why that cannot be done, and nothing if it was."""
    seconds = LENGTHS.get(str(form.get("length")))
    if seconds is None:
        return "Choose for how long; every silence ends"
    if not str(form.get("reason") or "").strip():
        return "Give a reason, so that others know why"
    return source.silence(
        Matcher(run=str(form.get("run") or "").strip(), rule=str(form.get("rule") or "*")),
        seconds=seconds,
        reason=str(form["reason"]),
        by=str(form.get("by") or "").strip(),
        until_worse=bool(form.get("until_worse")),
    )


def nav_count(source: AlertSource) -> str:
    """Return how many alerts ask for somebody, for the bar; empty if none does."""
    board = source.board()
    # What fired for a watcher that is gone may be long over.
    n_alerts = attention(board.firing if board.is_followed else board.unsent)
    return str(n_alerts or "")


def _connect(app: Dash, source: RunSource) -> None:
    def on_tick(token: str, words: dict[str, str] | None) -> dict[str, Any]:
        return poll(source.alerts, token, words or {}, time.time())

    def on_saying(said: dict[str, Any], words: dict[str, str]) -> tuple[str, dict[str, Any]]:
        if not said:
            raise PreventUpdate  # the page has come, and nobody has said anything
        return answered(source.alerts, said), on_tick("", words)

    def on_silence(
        form: dict[str, Any] | None, words: dict[str, str]
    ) -> tuple[Any, str, Any, dict[str, Any]]:
        if not form:
            raise PreventUpdate
        problem, page = silenced(source.alerts, form), on_tick("", words)
        if problem:
            return no_update, problem, no_update, page
        return "Silenced", "", time.time(), page

    words = State(ids.ALERTS_WORDS, "data")
    follow(app, "alerts", on_tick, _outputs(), [State(_TOKEN, "data"), words])
    app.callback(
        output=[Output(_NEWS, "children"), _outputs()],
        inputs=[Input(ids.ALERTS_SAYING, "data"), words],
        prevent_initial_call=True,
    )(on_saying)
    app.callback(
        output=[
            Output(_NEWS, "children", allow_duplicate=True),
            Output(ids.SILENCE_PROBLEM, "children"),
            Output(_DONE, "data"),
            _outputs(),
        ],
        inputs=[Input(ids.SILENCE_FORM, "data"), words],
        prevent_initial_call=True,
    )(on_silence)
    for does, when in (("silenced", Input(_DONE, "data")), ("drawn", Input(_BOARD, "children"))):
        script(app, f"lrwatchAlerts.{does}", when)


PAGE: Final = Page("/alerts", layout, "Alerts", connect=_connect)


def _outputs() -> dict[str, Output]:
    return {
        "token": Output(_TOKEN, "data", allow_duplicate=True),
        "board": Output(_BOARD, "children", allow_duplicate=True),
        "health": Output(_HEALTH, "children", allow_duplicate=True),
    }


def _body(board: AlertBoard, words: Mapping[str, str]) -> list[Any]:
    rule = words.get("rule", "")
    parts: list[Any] = []
    if board.problem:
        parts.append(html.P(board.problem, className="problem", role="alert"))
    if board.watcher is not None and board.watcher.problem:
        parts.append(html.P(board.watcher.problem, className="problem", role="alert"))
    if rule:
        everything = html.A("Show all", href="/alerts")
        shown = ["Showing only ", html.Strong(rule_name(rule)), ". ", everything]
        parts.append(html.P(shown, className="only"))
    parts += _now(board, rule)
    if ended := _of(board.ended, rule):
        parts.append(
            _list("Ended" if board.is_followed else "Ended in the last day, while wrong", ended)
        )
    people = [activity_card(board.activity)] if board.activity else []
    beside: list[Any] = [silence_card(board.silences)]
    # Without a watcher there are neither receivers nor anything sent.
    if board.watcher is not None:
        sides = [*beside, tally_card(board.tallies)], [receiver_card(board.receivers), *people]
        beside = [html.Div(side, className="beside") for side in sides]
    else:
        beside += people
    parts.append(html.Div(beside, className="rests-on"))
    if board.history:
        parts.append(history_card(board.history))
    return parts


def _now(board: AlertBoard, rule: str) -> list[Any]:
    """Return what fires, or what would if a watcher was running."""
    firing, unsent = _of(board.firing, rule), _of(board.unsent, rule)
    parts = []
    if unsent:
        parts.append(_list("Would alert now, but no watcher is running", unsent))
    if firing:
        name = "Firing" if board.is_followed else "Firing at the last check"
        parts.append(_list(name, firing))
    if not parts:
        nothing = "Nothing is firing." if board.is_followed else "Nothing to alert on."
        parts.append(html.P(nothing, className="calm"))
    if board.n_pending:
        parts.append(html.P(f"{board.n_pending} more pending", className="quiet"))
    return parts


def _list(name: str, lines: Sequence[AlertLine]) -> html.Section:
    return html.Section([html.H2(name), alert_list(lines)])


def _of(lines: Sequence[AlertLine], rule: str) -> list[AlertLine]:
    return [line for line in lines if not rule or line.alert.rule == rule]
