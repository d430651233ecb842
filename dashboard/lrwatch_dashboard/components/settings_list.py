"""A run's configuration or environment as a list of names and values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from dash import html

__all__ = ["settings_list"]

_LONGEST: Final = 300
_MOST: Final = 200


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
