"""Alerts as a list: what is wrong, since when, whether it was sent, and its buttons."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from itertools import groupby
from typing import Any, Final

from dash import html

from lrwatch.formats import count
from lrwatch_dashboard.address import zoomed_run_href
from lrwatch_dashboard.alert_views import AlertLine
from lrwatch_dashboard.components.common_parts import moment
from lrwatch_dashboard.components.verdicts import verdict_badge
from lrwatch_dashboard.theme import look

__all__ = ["alert_list", "rule_name"]

_MOST_OF_ONE_KIND: Final = 5  # those of a sweep that has gone wrong are folded beyond this
_MOST: Final = 200
_OVER: Final = ("resolved", "closed")

_SEVERITIES: Final = {
    "page": ("urgent", "Severity page: sent at once, to wake someone up"),
    "ticket": ("can wait", "Severity ticket: sent, and can wait until morning"),
    "info": ("for information", "Severity info: shown here only, never sent"),
}
"""What people read in place of the words of the configuration, and what it means."""

_STATES: Final = {"recovering": "recovering", "resolved": "recovered", "closed": "run ended"}


def alert_list(lines: Sequence[AlertLine]) -> html.Div:
    """Return alerts in the order given; many of one kind are folded."""
    parts: list[Any] = []
    for (is_quiet, rule), kind in groupby(
        lines[:_MOST], key=lambda line: (bool(line.quiet), line.alert.rule)
    ):
        parts += _folded([_alert(line) for line in kind], f"{rule} {is_quiet}")
    if len(lines) > _MOST:
        parts.append(html.P(f"and {count(len(lines) - _MOST)} more", className="quiet"))
    return html.Div(parts, className="alerts")


def rule_name(rule: str) -> str:
    """Return the name of a rule as people read it."""
    return rule.replace("_", " ")


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
    alert, is_over = line.alert, line.alert.state in _OVER
    state = _STATES.get(alert.state)
    head = [verdict_badge(line.verdict), _run(line)]
    lines: list[Any] = [
        html.Div(
            [*head, *([html.Span(state, className="alert-state")] if state else [])],
            className="alert-head",
        ),
        html.P(alert.reason, className="alert-reason"),
    ]
    if alert.advice:
        lines.append(html.P(alert.advice, className="alert-advice"))
    lines.append(html.P(_parts(line), className="alert-facts"))
    quiet = " is-quiet" if line.quiet or is_over else ""
    return html.Article(
        [html.Div(lines, className="alert-body"), *([] if is_over else [_actions(line)])],
        className=f"alert verdict-{look(line.verdict).mark}{quiet}",
        **{"data-part": f"{alert.id} {alert.state}"},
    )


def _run(line: AlertLine) -> html.A | html.Span:
    key, name = line.run_key, line.alert.run
    if not key:
        return html.Span(name, className="alert-run", title="This run is no longer in the folder")
    href = zoomed_run_href(key, line.alert.interval)
    return html.A(key if key != "." else name, href=href, className="alert-run")


def _parts(line: AlertLine) -> list[html.Span]:
    alert = line.alert
    word, title = _SEVERITIES[alert.severity]
    has_steps = alert.since_step >= 0  # files that cannot be read have none
    since: list[Any] = [f"since step {count(alert.since_step)}"] if has_steps else []
    if alert.time > 0:
        since += [", " if has_steps else "noticed ", moment(alert.time)]
    severity = html.Span(word, title=title, className="severity")
    return [html.Span(part, className="part") for part in ([severity], since, _sent(line)) if part]


def _sent(line: AlertLine) -> list[Any]:
    """Return when an alert was sent, or why it no longer is; empty without a watcher."""
    sent: list[Any] = [] if line.told_at is None else ["sent ", moment(line.told_at)]
    why = _why_not(line)
    if why:
        sent += [", " if sent else "", why]
    elif not sent and line.alert.episode:
        sent = ["never sent" if line.alert.state in _OVER else "not sent yet"]
    return sent


def _why_not(line: AlertLine) -> str:
    note = f": {line.quiet_note}" if line.quiet_note else ""
    return {
        "": "",
        "acknowledged": f"{line.quiet_note or 'somebody'} is on it",
        "silenced": f"silenced{note}",
        "inhibited": "covered by another alert on this run",
        "info": "shown here only",
    }[line.quiet]


def _actions(line: AlertLine) -> html.Div:
    alert, buttons = line.alert, []
    if alert.episode and line.quiet != "acknowledged":
        say = {"data-ack": alert.id, "data-episode": str(alert.episode)}
        buttons.append(_button("Acknowledge", alert.run, say))
    if line.quiet != "silenced":
        say = {"data-silence": glob.escape(line.run_key or alert.run), "data-rule": alert.rule}
        buttons.append(_button("Silence", alert.run, say))
    return html.Div(buttons, className="alert-actions")


def _button(text: str, run: str, say: dict[str, str]) -> html.Button:
    return html.Button(text, className="action", **{"aria-label": f"{text} {run}", **say})
