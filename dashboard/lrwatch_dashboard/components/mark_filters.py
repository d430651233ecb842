"""The counts by verdict, which are also the filter of the table."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from dash import html

from lrwatch.formats import count
from lrwatch_dashboard import ids
from lrwatch_dashboard.components.verdict_badge import mark_shape
from lrwatch_dashboard.theme import MARK_LABELS, MARKS, VERDICTS, look

__all__ = ["mark_counts", "mark_filters"]


def mark_counts(verdicts: Mapping[str, int]) -> list[str]:
    """Return the number of runs of each mark as text, in the order of `MARKS`."""
    totals = dict.fromkeys(MARKS, 0)
    for verdict, n_runs in verdicts.items():
        totals[look(verdict).mark] += n_runs
    return [count(totals[mark]) for mark in MARKS]


def mark_filters(verdicts: Mapping[str, int], pressed: Collection[str]) -> html.Div:
    """Return one button a mark; the script of the assets filters the table by those pressed."""
    counts = mark_counts(verdicts)
    return html.Div(
        [
            html.Button(
                [
                    mark_shape(mark),
                    html.Span(n_runs, id={"type": ids.MARK_COUNT, "mark": mark}, className="n"),
                    html.Span(MARK_LABELS[mark], className="label"),
                ],
                className=f"mark-filter verdict-{mark}",
                title="Show only " + _words(mark),
                **{"data-mark": mark, "aria-pressed": "true" if mark in pressed else "false"},
            )
            for mark, n_runs in zip(MARKS, counts, strict=True)
        ],
        id="mark-filters",
        className="mark-filters",
        role="group",
        **{"aria-label": "Filter by verdict"},
    )


def _words(mark: str) -> str:
    return ", ".join(shown.word for shown in VERDICTS.values() if shown.mark == mark)
