"""Names and values: a few in one line, or the settings of a run as a list."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from dash import html

__all__ = ["facts", "settings_list"]

_LONGEST: Final = 300
_MOST: Final = 200


def facts(pairs: Iterable[tuple[str, str]]) -> list[html.Div]:
    """Return the line; nothing if there are no facts."""
    parts = [
        html.Div([html.Span(name, className="quiet"), html.Span(value, className="value")])
        for name, value in pairs
    ]
    return [html.Div(parts, className="facts")] if parts else []


def settings_list(settings: Mapping[str, Any], nothing: str) -> html.Dl | html.P:
    """Return the settings; a sentence if there are none."""
    flat = list(settings.items())
    if not flat:
        return html.P(nothing, className="quiet")
    items = []
    for name, value in flat[:_MOST]:
        is_text = isinstance(value, str) and value
        text = str(value) if is_text else json.dumps(value, default=str)
        shown = text if len(text) <= _LONGEST else text[:_LONGEST] + " ..."
        items.append(html.Div([html.Dt(name), html.Dd(shown)]))
    if len(flat) > _MOST:
        items.append(html.Div([html.Dt("..."), html.Dd(f"and {len(flat) - _MOST} more")]))
    return html.Dl(items, className="settings")
