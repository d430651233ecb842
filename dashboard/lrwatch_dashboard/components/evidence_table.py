"""The tests behind a verdict, those included that could not run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from dash import html

from lrwatch.formats import NOTHING, count, number
from lrwatch.verdicts import Evidence, Outcome
from lrwatch_dashboard.components.table import table

__all__ = ["evidence_table"]

_CALM = {"for": "good sign", "neither": "noted"}
"""What stands for "fired" where it does not speak against the run."""

_ORDER: Final[Mapping[Outcome, int]] = {"fired": 0, "quiet": 1, "not run": 2}
_HEADS = ("Test", "Result", "Statistic", "Fires at", "Steps", "In words")


def evidence_table(evidence: Sequence[Evidence]) -> html.Div:
    """Return the table; a sentence if no test has run yet."""
    if not evidence:
        return html.Div(html.P("No test has run yet.", className="quiet"))
    rows = [_row(row) for row in sorted(evidence, key=lambda row: _ORDER[row.outcome])]
    return table(_HEADS, rows, "Evidence", "evidence")


def _row(row: Evidence) -> html.Tr:
    steps = f"{count(row.interval[0])}–{count(row.interval[1])}" if row.interval else NOTHING
    is_calm = row.outcome == "fired" and row.speaks in _CALM
    said = _CALM[row.speaks] if is_calm else row.outcome
    look = "quiet" if is_calm else row.outcome.replace(" ", "-")
    return html.Tr(
        [
            html.Th(row.name.replace("_", " "), scope="row"),
            html.Td(html.Span(said, className=f"outcome outcome-{look}")),
            html.Td(number(row.value, 3), className="num"),
            html.Td(number(row.threshold, 3), className="num"),
            html.Td(steps, className="num"),
            html.Td(row.note, className="note"),
        ]
    )
