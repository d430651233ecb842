"""Alerts as a list: what is wrong, since when, who was told, and what can be said to it."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from dash import html

from lrwatch.formats import count
from lrwatch_dashboard.address import zoomed_run_href
from lrwatch_dashboard.alert_views import AlertLine
from lrwatch_dashboard.components.moment import moment
from lrwatch_dashboard.components.verdict_badge import verdict_badge
from lrwatch_dashboard.theme import look

__all__ = ["alert_list", "rule_name"]

_MOST_OF_ONE_KIND: Final = 5  # those of a sweep that has gone wrong are folded beyond this
_MOST: Final = 200
_OVER: Final = ("resolved", "closed")

_SEVERITIES: Final = {
    "page": "Wakes somebody",
    "ticket": "Can wait for the morning",
    "info": "Is shown here and sent to nobody",
}


def alert_list(lines: Sequence[AlertLine]) -> html.Div:
    """Return alerts in the order given; many of one kind are folded."""
    parts: list[Any] = []
    for (is_quiet, rule), kind in groupby(lines[:_MOST], key=_kind):
        parts += _folded([_alert(line) for line in kind], f"{rule} {is_quiet}")
    if len(lines) > _MOST:
        parts.append(html.P(f"and {count(len(lines) - _MOST)} more", className="quiet"))
    return html.Div(parts, className="alerts")


def rule_name(rule: str) -> str:
    """Return the name of a rule as people read it."""
    return rule.replace("_", " ")


def _kind(line: AlertLine) -> tuple[bool, str]:
    return bool(line.quiet), line.rule


def _folded(items: list[html.Article], name: str) -> list[Any]:
    if len(items) <= _MOST_OF_ONE_KIND:
        return items
    n_shown = _MOST_OF_ONE_KIND - 2
    rest = html.Details(
        [html.Summary(f"{count(len(items) - n_shown)} more of this kind"), *items[n_shown:]],
        className="more-alerts",
        **{"data-fold": name, "data-part": name},
    )
    return [*items[:n_shown], rest]


def _alert(line: AlertLine) -> html.Article:
    lines: list[Any] = [
        html.Div([verdict_badge(line.verdict), _run(line), _state(line)], className="alert-head"),
        html.P(line.reason, className="alert-reason"),
    ]
    if line.advice:
        lines.append(html.P(line.advice, className="alert-advice"))
    lines.append(html.P(_parts(line), className="alert-facts"))
    is_over = line.state in _OVER
    actions = [] if is_over else [_actions(line)]
    quiet = " is-quiet" if line.quiet or is_over else ""
    return html.Article(
        [html.Div(lines, className="alert-body"), *actions],
        className=f"alert verdict-{look(line.verdict).mark}{quiet}",
        **{"data-part": f"{line.id} {line.state}"},
    )


def _run(line: AlertLine) -> html.A | html.Span:
    if not line.run_key:
        return html.Span(line.run, className="alert-run", title="The run is not in the store")
    href = zoomed_run_href(line.run_key, line.interval)
    return html.A(
        line.run_key if line.run_key != "." else line.run, href=href, className="alert-run"
    )


def _state(line: AlertLine) -> html.Span | None:
    words = {"recovering": "recovering", "resolved": "recovered", "closed": "run ended"}
    word = words.get(line.state)
    return html.Span(word, className="alert-state") if word else None


def _parts(line: AlertLine) -> list[html.Span]:
    severity = html.Span(line.severity, title=_SEVERITIES.get(line.severity), className="severity")
    since: list[Any] = []
    if line.since_step is not None:
        since.append(f"since step {count(line.since_step)}")
    if line.since:
        since += [", " if since else "", moment(line.since)]
    parts: list[list[Any]] = [[severity], since, _told(line)]
    return [html.Span(part, className="part") for part in parts if part]


def _told(line: AlertLine) -> list[Any]:
    """Return when somebody was told, and why nobody is any more; empty if nobody can be."""
    told: list[Any] = [] if line.told_at is None else ["told ", moment(line.told_at)]
    why = _why_not(line)
    if why:
        told += [", " if told else "", why]
    elif not told and line.state != "unsent":
        told = ["nobody was told" if line.state in _OVER else "not told yet"]
    return told


def _why_not(line: AlertLine) -> str:
    note = f": {line.quiet_note}" if line.quiet_note else ""
    return {
        "": "",
        "acknowledged": f"{line.quiet_note or 'somebody'} is on it",
        "silenced": f"silenced{note}",
        "inhibited": "another alert on this run says more",
        "info": "shown here only",
    }[line.quiet]


def _actions(line: AlertLine) -> html.Div:
    buttons = []
    if line.episode and line.quiet != "acknowledged":
        say = {"data-ack": line.id, "data-episode": str(line.episode)}
        buttons.append(_button("Acknowledge", f"Acknowledge {line.run}", say))
    if line.quiet != "silenced":
        say = {"data-silence": glob.escape(line.run_key or line.run), "data-rule": line.rule}
        buttons.append(_button("Silence", f"Silence {line.run}", say))
    return html.Div(buttons, className="alert-actions")


def _button(text: str, label: str, say: dict[str, str]) -> html.Button:
    return html.Button(text, className="action", **{"aria-label": label, **say})
