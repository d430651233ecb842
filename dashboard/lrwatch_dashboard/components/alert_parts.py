"""The parts of the Alerts page beside the alerts: watcher, receivers, silences, rules, history."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any, Final

from dash import html

from lrwatch.formats import count, counted, duration
from lrwatch_dashboard.address import alerts_href
from lrwatch_dashboard.alert_views import (
    AlertBoard,
    HistoryLine,
    Matcher,
    ReceiverHealth,
    RuleTally,
    Silence,
)
from lrwatch_dashboard.components.alert_list import rule_name
from lrwatch_dashboard.components.common_parts import moment, row, table

__all__ = ["health_line", "history_card", "receiver_card", "silence_card", "tally_card"]

_ANY: Final = "*"
_HISTORY: Final = {"data-fold": "history", "data-part": "history"}
_LOOK: Final = "alert-table"


def health_line(board: AlertBoard, now: float) -> list[Any]:
    """Return who watches the store; `now` in seconds since the Unix epoch."""
    watcher = board.watcher
    start = html.Code(f"lrwatch alert {shlex.quote(board.folder)} --to URL")
    if watcher is None:
        return [_dot("silent"), "No watcher is running, so no alerts are sent; start one: ", start]
    who = f"on {watcher.host}, pid {watcher.pid}"
    # The clock of the watcher's machine may be ahead of this one.
    looked = moment(min(watcher.looked_at, now), now)
    if not board.is_followed:
        # It may have been ended, or be started now and then with --once.
        before = f"The watcher has stopped: lrwatch alert {who}, last check "
        return [_dot("silent"), before, looked, "; start it again: ", start]
    runs = counted(watcher.n_runs, "run")
    line: list[Any] = [_dot("running"), "Watched by ", html.Code("lrwatch alert"), f" {who}: "]
    line += [f"{runs}, last check ", looked]
    if watcher.took_seconds >= 1:
        line.append(f" (took {duration(watcher.took_seconds)})")
    return line


def receiver_card(receivers: Sequence[ReceiverHealth]) -> html.Section:
    """Return where messages go, and how that went."""
    heads = ("Receiver", "Sent", "Failed", "Dropped", "Queued", "Last message")
    looks, numbers = "head,num,num,num,num,note", ("sent", "failed", "dropped", "queued")
    rows = [
        row(looks, _receiver(one), *(count(getattr(one, n)) for n in numbers), _last_message(one))
        for one in receivers
    ]
    return _card("Receivers", heads, rows, "No receivers are configured.")


def tally_card(tallies: Mapping[str, RuleTally]) -> html.Section:
    """Return how often each rule was sent, and what people did with it."""
    heads = ("Rule", "Sent", "Acknowledged", "Silenced")
    rows = []
    for rule, tally in tallies.items():
        link = html.A(rule_name(rule), href=alerts_href(rule))
        numbers = map(count, (tally.sent, tally.acknowledged, tally.silenced))
        rows.append(row("head,num,num,num", link, *numbers))
    return _card("Rules", heads, rows, "Nothing has been sent yet.")


def silence_card(silences: Sequence[Silence]) -> html.Section:
    """Return what is silenced, until when, why and by whom."""
    items = [html.Li(_silence(silence)) for silence in silences]
    new = html.Button("New silence", className="action", **{"data-silence": _ANY, "data-rule": ""})
    body = html.Ul(items, className="silences") if items else _nothing("Nothing is silenced.")
    return html.Section(
        [html.Div([html.H2("Silences"), new], className="card-head"), body],
        className="card",
        **{"data-part": "silences"},
    )


def history_card(history: Sequence[HistoryLine]) -> html.Details:
    """Return what happened, the latest first."""
    rows = [
        row(",head,note", moment(line.at), line.event.replace("_", " "), line.text)
        for line in history
    ]
    summary = html.Summary(f"History (last {count(len(rows))})")
    body = table(("When", "Event", "Details"), rows, "History", _LOOK)
    return html.Details([summary, body], className="card history", **_HISTORY)


def _card(name: str, heads: Sequence[str], rows: list[html.Tr], nothing: str) -> html.Section:
    body = table(heads, rows, name, _LOOK) if rows else _nothing(nothing)
    return html.Section([html.H2(name), body], className="card")


def _dot(state: str) -> html.Span:
    return html.Span(className=f"dot dot-{state}", **{"aria-hidden": "true"})


def _receiver(receiver: ReceiverHealth) -> list[Any]:
    name: list[Any] = [receiver.name]
    if receiver.kind not in receiver.name:
        name.append(html.Span(receiver.kind, className="kind"))
    if receiver.problem:
        name.append(html.Div(receiver.problem, className="problem"))
    return name


def _last_message(receiver: ReceiverHealth) -> Any:
    at = receiver.last_success_at
    return "none yet" if at is None else moment(at)


def _silence(silence: Silence) -> list[Any]:
    what = _matched(silence.matcher)
    named = {"data-end": silence.id, "aria-label": f"End the silence of {what}"}
    by = f", by {silence.by}" if silence.by else ""
    worse = "; until it gets worse" if silence.until_worse else ""
    return [
        html.Div([html.Span(what, className="what"), " ends ", moment(silence.ends_at)]),
        html.Button("End now", className="action", **named),
        html.Div(f"{silence.reason}{by}{worse}", className="quiet"),
    ]


def _matched(matcher: Matcher) -> str:
    rule = "every alert" if matcher.rule == _ANY else rule_name(matcher.rule)
    runs = "every run" if matcher.run == _ANY else matcher.run
    group = f" of {matcher.group}" if matcher.group != _ANY else ""
    return f"{rule} on {runs}{group}"


def _nothing(sentence: str) -> html.P:
    return html.P(sentence, className="quiet")
