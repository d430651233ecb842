"""The form that silences alerts; the script of the assets opens it, filled in for an alert."""

from __future__ import annotations

from typing import Any, Final

from dash import dcc, html

from lrwatch_dashboard import ids
from lrwatch_dashboard.alert_views import LONGEST_TEXT
from lrwatch_dashboard.components.alert_list import rule_name

__all__ = ["LENGTHS", "silence_dialog"]

LENGTHS: Final = {
    "1 hour": 3600.0,
    "8 hours": 8 * 3600.0,
    "1 day": 24 * 3600.0,
    "1 week": 7 * 24 * 3600.0,
}
"""How long a silence may be, in seconds: it always ends."""

_USUAL_LENGTH: Final = "8 hours"


def silence_dialog(rules: tuple[str, ...], who: str = "") -> html.Dialog:
    """Return the form; `rules` are the names of those that exist, `who` is signed in."""
    known = {"value": who, "disabled": True} if who else {"persistence": True}
    return html.Dialog(
        [
            html.Div(
                [
                    html.H2("Silence"),
                    html.Button("Close", className="tool", **{"data-close": "silence"}),
                ],
                className="dialog-head",
            ),
            html.P("Silenced alerts are not sent; they stay on this page.", className="quiet"),
            _text(ids.SILENCE_RUN, "Runs", "sweep/lr-*"),
            _field("Rule", _rule_choice(rules)),
            _length_choice(),
            _text(ids.SILENCE_REASON, "Reason", "so that others know why"),
            _text(ids.SILENCE_BY, "Your name", "optional", **known),
            _toggle("until_worse", "Still send if it gets worse"),
            html.P(id=ids.SILENCE_PROBLEM, className="problem", role="alert"),
            html.Button("Silence", id="silence-send", className="action primary"),
        ],
        id="silence",
        **{"aria-label": "Silence alerts"},
    )


def _rule_choice(rules: tuple[str, ...]) -> html.Select:
    options = [html.Option("any rule", value="")]
    options += [html.Option(rule_name(rule), value=rule) for rule in rules]
    return html.Select(options, id="silence-rule", className="text-field")


def _length_choice() -> html.Div:
    buttons = [
        html.Button(
            length,
            className="choice",
            **{"data-length": length, "aria-pressed": str(length == _USUAL_LENGTH).lower()},
        )
        for length in LENGTHS
    ]
    return html.Div(
        [html.Span("For"), html.Div(buttons, className="choices")],
        className="field",
        role="group",
        **{"aria-label": "For"},
    )


def _toggle(name: str, text: str) -> html.Button:
    pressed = {"data-toggle": name, "aria-pressed": "false"}
    return html.Button(text, className="action toggle", **pressed)


def _text(id_: str, name: str, hint: str, **more: Any) -> html.Label:
    field = dcc.Input(
        id=id_,
        type="text",
        placeholder=hint,
        maxLength=LONGEST_TEXT,
        autoComplete="off",
        className="text-field",
        **more,
    )
    return _field(name, field)


def _field(name: str, field: Any) -> html.Label:
    return html.Label([html.Span(name), field], className="field")
