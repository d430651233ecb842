"""The Overview as a page without a script: what is seen while the program is on its way."""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Any, Final

from dash import html

from lrwatch.formats import NOTHING, count, duration, number
from lrwatch_dashboard.address import run_href
from lrwatch_dashboard.components.verdicts import verdict_badge
from lrwatch_dashboard.views import RunView

__all__ = ["N_ROWS", "first_screen"]

N_ROWS: Final = 40
"""Rows of it: as many as a tall screen shows."""

_ODD: Final = ("silent", "failed", "interrupted")
_HEADS: Final = (
    ("", "early-pick"),
    ("Verdict", "early-verdict"),
    ("Run", "early-run"),
    ("Loss", "early-loss"),
    ("Why", "early-why"),
    ("Learning rate", "num early-rate"),
    ("Best loss", "num early-best"),
    ("Steps", "num early-steps"),
    ("Last step", "num early-age"),
)


def first_screen(bar: Any, tools: Any, shared: Any, rows: Iterable[RunView]) -> html.Div:
    """Return the page: the bar, what stands above the table, and the first rows.

    Only its links lead anywhere; the grid takes its place as soon as it has a row.
    """
    now = time.time()
    heads = html.Tr([html.Th(name, scope="col", className=look) for name, look in _HEADS])
    body = [_row(row, now) for row in list(rows)[:N_ROWS]]
    table = html.Table([html.Thead(heads), html.Tbody(body)], className="early")
    frame = html.Div(table, className="table-frame")
    return html.Div(
        [bar, html.Main(html.Div([tools, shared, frame], className="table-page"))],
        className="shell",
    )


def _row(row: RunView, now: float) -> html.Tr:
    name = [html.A(row.name, href=run_href(row.key), className="early-link")]
    if row.is_pinned:
        name.insert(0, html.Span("★", className="pin"))
    name.append(html.Span(className=f"dot dot-{row.state}", title=row.state))
    rate: list[Any] = [number(row.lr, 3)]
    if row.suggested_lr is not None:
        rate += [html.Span(" → ", className="quiet"), html.B(number(row.suggested_lr, 2))]
    age: list[Any] = [duration(max(now - row.updated_at, 1)) if row.updated_at else NOTHING]
    if row.state in _ODD:
        age.append(html.Span(row.state, className=f"age-{row.state}"))
    cells = (
        "",
        verdict_badge(row.verdict),
        html.Span(name, className="run-name"),
        "",
        html.Span(row.reason, className="why"),
        rate,
        number(row.best_loss),
        count(row.steps),
        html.Span(age, className="age"),
    )
    return html.Tr(
        [html.Td(cell, className=look) for cell, (_, look) in zip(cells, _HEADS, strict=True)]
    )
