"""Verdicts as people see them: mark, word and colour, a picture, the counts, and what was said."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final

from dash import html

from lrwatch.formats import count
from lrwatch_dashboard import ids
from lrwatch_dashboard.theme import JUDGING, MARK_LABELS, MARKS, VERDICTS, look
from lrwatch_dashboard.views import RunView

__all__ = [
    "SAMPLES",
    "mark_counts",
    "mark_filters",
    "mark_shape",
    "sample_picture",
    "verdict_badge",
    "verdict_list",
]

SAMPLES: Final = {
    "diverging": "chars-adam-constant-1",
    "oscillating": "digits-adam-constant-0.3",
    "too_low": "digits-sgd-constant-0.001",
    "stalled": "digits-adam-step-0.001",
    "spike": "digits-momentum-constant-0.03",
    "converged": "diabetes-sgd-constant-0.1",
    "ok": "chars-adamw-warmup-cosine-0.03",
}
"""The sample run that shows a verdict best; the others have none."""


def mark_shape(mark: str) -> html.Span:
    """Return the bare shape of a mark; the style sheet draws it."""
    return html.Span(className=f"mark mark-{mark}", **{"aria-hidden": "true"})


def verdict_badge(verdict: str) -> html.Span:
    """Return the badge of a verdict, its meaning in the tooltip."""
    shown = look(verdict)
    return html.Span(
        [mark_shape(shown.mark), html.Span(shown.word)],
        className=f"verdict verdict-{shown.mark}",
        title=shown.meaning or None,
    )


def sample_picture(verdict: str, mark: str) -> html.Span | None:
    """Return the loss of the sample run of a verdict, in the colour of its mark."""
    sample = SAMPLES.get(verdict)
    if sample is None:
        return None
    said = f"Loss of the sample run {sample}"
    return html.Span(
        className=f"sample verdict-{mark}",
        style={"maskImage": f"url(/assets/samples/{verdict}.svg)"},
        title=said,
        role="img",
        **{"aria-label": said},
    )


def mark_counts(verdicts: Mapping[str, int]) -> list[str]:
    """Return the number of runs of each mark as text, in the order of `MARKS`.

    Those that are still judged have none yet.
    """
    totals = dict.fromkeys(MARKS, 0)
    for verdict, n_runs in verdicts.items():
        totals[look(verdict).mark] += n_runs if verdict != JUDGING else 0
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
                title="Show only " + ", ".join(_words_of(mark)),
                **{"data-mark": mark, "aria-pressed": "true" if mark in pressed else "false"},
            )
            for mark, n_runs in zip(MARKS, counts, strict=True)
        ],
        id="mark-filters",
        className="mark-filters",
        role="group",
        **{"aria-label": "Filter by verdict"},
    )


def _words_of(mark: str) -> list[str]:
    return [v.word for name, v in VERDICTS.items() if v.mark == mark and name != JUDGING]


def verdict_list(views: Iterable[RunView]) -> html.Dl:
    """Return verdict, reason and advice of each run."""
    return html.Dl([_row(view) for view in views], className="verdict-list")


def _row(view: RunView) -> html.Div:
    said = [html.Div(view.reason)]
    if view.diagnosis is not None and view.diagnosis.advice:
        said.append(html.Div(view.diagnosis.advice, className="quiet"))
    name = html.Dt([html.Div(view.name, className="run-link"), verdict_badge(view.verdict)])
    return html.Div([name, html.Dd(said)])
