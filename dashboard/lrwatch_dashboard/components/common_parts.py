"""What many pages show: tables, names with their values, and points in time."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from dash import html

from lrwatch.formats import NOTHING, duration

__all__ = ["facts", "moment", "row", "settings_list", "table"]

_LONGEST: Final = 300
_MOST: Final = 200
_END_OF_TIME: Final = 2e10  # seconds since the Unix epoch, far ahead


def table(
    heads: Sequence[str | html.Th], rows: Sequence[html.Tr], label: str, look: str
) -> html.Div:
    """Return a table, which scrolls sideways where the window is too narrow for it.

    An empty head is no head, and `label` is what a screen reader calls it.
    """
    cells = [
        (html.Th(head, scope="col") if head else html.Td()) if isinstance(head, str) else head
        for head in heads
    ]
    body = html.Table([html.Thead(html.Tr(cells)), html.Tbody(list(rows))], className=look)
    return html.Div(body, className="scroll-x", tabIndex=0, role="region", **{"aria-label": label})


def row(looks: str, *cells: Any, look: str | None = None) -> html.Tr:
    """Return a row; `looks` are classes of its cells, ``head`` of the one that names it."""
    made = [
        html.Th(cell, scope="row") if each == "head" else html.Td(cell, className=each or None)
        for each, cell in zip(looks.split(","), cells, strict=True)
    ]
    return html.Tr(made, className=look)


def facts(pairs: Iterable[tuple[str, str]]) -> list[html.Div]:
    """Return a few names and values as one line; nothing if there are none."""
    parts = [
        html.Div([html.Span(name, className="quiet"), html.Span(value, className="value")])
        for name, value in pairs
    ]
    return [html.Div(parts, className="facts")] if parts else []


def settings_list(settings: Mapping[str, Any], nothing: str) -> html.Dl | html.P:
    """Return settings as a list; a sentence if there are none."""
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


def moment(at: float, now: float | None = None) -> html.Time:
    """Return a time, in seconds since the Unix epoch, with its distance: ``3 min ago``.

    The script of the assets keeps the text up to date.
    """
    if math.isnan(at):
        return html.Time(NOTHING)
    away = at - (time.time() if now is None else now)
    span = duration(max(abs(away), 1.0))
    text = f"in {span}" if away > 0 else f"{span} ago"
    # Files say what they like, and no calendar has a year 10,000.
    exact = datetime.fromtimestamp(min(max(at, 0.0), _END_OF_TIME), UTC).isoformat()
    return html.Time(text, dateTime=exact, **{"data-at": str(at)})
