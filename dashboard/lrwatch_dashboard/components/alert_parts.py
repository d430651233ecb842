"""The parts of the Alerts page beside the alerts: who watches, who is told, what is silenced."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any, Final

from dash import html

from lrwatch.formats import count, duration
from lrwatch_dashboard.address import alerts_href
from lrwatch_dashboard.alert_views import (
    AlertBoard,
    HistoryLine,
    ReceiverLine,
    RuleTally,
    SilenceLine,
)
from lrwatch_dashboard.components.alert_list import rule_name
from lrwatch_dashboard.components.moment import moment

__all__ = ["health_line", "history_card", "receiver_card", "silence_card", "tally_card"]

_ANY: Final = "*"
_HISTORY: Final = {"data-fold": "history", "data-part": "history"}


def health_line(board: AlertBoard, now: float) -> list[Any]:
    """Return who follows the store; `now` in seconds since the Unix epoch."""
    watcher = board.watcher
    if watcher is None:
        return [_dot("silent"), "Nobody follows this store, so nobody is told; run ", _start(board)]
    who = f"on {watcher.host}, pid {watcher.pid}"
    # The clock of the watcher's machine may be ahead of this one.
    looked = moment(min(watcher.looked_at, now), now)
    if not watcher.is_following:
        # It may have been ended, or be started now and then with --once.
        before = f"Not followed at present: lrwatch alert {who}, last looked "
        return [_dot("silent"), before, looked, "; run ", _start(board)]
    line: list[Any] = [_dot("running"), "Followed by ", html.Code("lrwatch alert"), f" {who}, "]
    runs = f"{count(watcher.n_runs)} run{'' if watcher.n_runs == 1 else 's'}"
    line += [f"{runs}, last look ", looked]
    if watcher.took_seconds >= 1:
        line.append(f" (took {duration(watcher.took_seconds)})")
    return line


def receiver_card(receivers: Sequence[ReceiverLine]) -> html.Section:
    """Return where messages go, and how that went."""
    heads = ("Receiver", "Sent", "Failed", "Dropped", "Queued", "Last message")
    rows = [
        html.Tr(
            [
                html.Th(_receiver(receiver), scope="row"),
                *[
                    html.Td(count(n), className="num")
                    for n in (receiver.sent, receiver.failed, receiver.dropped, receiver.queued)
                ],
                html.Td(_last_message(receiver), className="note"),
            ]
        )
        for receiver in receivers
    ]
    body = _table(heads, rows, "Receivers") if rows else _nothing("Nobody is told anything.")
    return html.Section([html.H2("Receivers"), body], className="card")


def silence_card(silences: Sequence[SilenceLine]) -> html.Section:
    """Return what is silenced, until when, why and by whom."""
    items = [html.Li(_silence(silence)) for silence in silences]
    new = html.Button("New silence", className="action", **{"data-silence": _ANY, "data-rule": ""})
    body = html.Ul(items, className="silences") if items else _nothing("Nothing is silenced.")
    return html.Section(
        [html.Div([html.H2("Silences"), new], className="card-head"), body],
        className="card",
        **{"data-part": "silences"},
    )


def tally_card(tallies: Sequence[RuleTally]) -> html.Section:
    """Return how often each rule was sent, and what people did with it."""
    heads = ("Rule", "Sent", "Acknowledged", "Silenced")
    rows = [
        html.Tr(
            [
                html.Th(html.A(rule_name(tally.rule), href=alerts_href(tally.rule)), scope="row"),
                *[
                    html.Td(count(n), className="num")
                    for n in (tally.sent, tally.acknowledged, tally.silenced)
                ],
            ]
        )
        for tally in tallies
    ]
    body = _table(heads, rows, "Rules") if rows else _nothing("No rule was sent yet.")
    return html.Section([html.H2("Rules"), body], className="card")


def history_card(history: Sequence[HistoryLine]) -> html.Details:
    """Return what happened, the latest first."""
    rows = [
        html.Tr(
            [
                html.Td(moment(line.at)),
                html.Th(line.event, scope="row"),
                html.Td(line.text, className="note"),
            ]
        )
        for line in history
    ]
    summary = html.Summary(f"History, last {count(len(rows))}")
    table = _table(("When", "What", ""), rows, "History")
    return html.Details([summary, table], className="card history", **_HISTORY)


def _start(board: AlertBoard) -> html.Code:
    return html.Code(f"lrwatch alert {shlex.quote(board.folder)} --to URL")


def _dot(state: str) -> html.Span:
    return html.Span(className=f"dot dot-{state}", **{"aria-hidden": "true"})


def _receiver(receiver: ReceiverLine) -> list[Any]:
    name: list[Any] = [receiver.name]
    if receiver.kind not in receiver.name:
        name.append(html.Span(receiver.kind, className="kind"))
    if receiver.problem:
        name.append(html.Div(receiver.problem, className="problem"))
    return name


def _last_message(receiver: ReceiverLine) -> html.Time | str:
    return moment(receiver.last_success_at) if receiver.last_success_at is not None else "none yet"


def _silence(silence: SilenceLine) -> list[Any]:
    what = _matched(silence)
    named = {"data-end": silence.id, "aria-label": f"End the silence of {what}"}
    return [
        html.Div([html.Span(what, className="what"), " ends ", moment(silence.ends_at)]),
        html.Button("End now", className="action", **named),
        html.Div(_why(silence), className="quiet"),
    ]


def _matched(silence: SilenceLine) -> str:
    rule = "every alert" if silence.rule == _ANY else rule_name(silence.rule)
    runs = "every run" if silence.run == _ANY else silence.run
    group = f" of {silence.group}" if silence.group != _ANY else ""
    return f"{rule} on {runs}{group}"


def _why(silence: SilenceLine) -> str:
    by = f", by {silence.by}" if silence.by else ""
    worse = "; until it gets worse" if silence.until_worse else ""
    return f"{silence.reason}{by}{worse}"


def _table(heads: Sequence[str], rows: list[html.Tr], label: str) -> html.Div:
    head = html.Thead(
        html.Tr([html.Th(name, scope="col") if name else html.Td() for name in heads])
    )
    table = html.Table([head, html.Tbody(rows)], className="alert-table")
    return html.Div(table, className="scroll-x", tabIndex=0, role="region", **{"aria-label": label})


def _nothing(sentence: str) -> html.P:
    return html.P(sentence, className="quiet")
