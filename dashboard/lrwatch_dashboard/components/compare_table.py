"""The table of a comparison, which is also the legend of its chart."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dash import html

from lrwatch.formats import NOTHING, count, number
from lrwatch_dashboard.address import compare_href, run_href
from lrwatch_dashboard.components.verdict_badge import verdict_badge
from lrwatch_dashboard.theme import DASHES
from lrwatch_dashboard.views import ComparedRun, Comparison, Delta

__all__ = ["compare_table"]


def compare_table(comparison: Comparison, looks: Mapping[str, tuple[int, int]]) -> html.Div:
    """Return one row a run: its line, verdict and losses, and the settings that differ."""
    heads: list[Any] = [
        html.Th("Line", scope="col"),
        html.Th("Run", scope="col"),
        html.Th("Verdict", scope="col"),
        html.Th("Last loss", scope="col", className="num", title="Smoothed, at its last step"),
        html.Th(
            "Against the base",
            scope="col",
            className="num",
            title="Smoothed loss at the last step that both have",
        ),
        html.Th("Best loss", scope="col", className="num", title="The least loss of any step"),
        html.Th("Peak rate", scope="col", className="num", title="Peak learning rate so far"),
        html.Th("Try", scope="col", className="num", title="Learning rate to try next"),
        *(html.Th(name, scope="col", className="setting") for name in comparison.differing),
        html.Th(html.Span("Change", className="unseen"), scope="col"),
    ]
    rows = [_row(run, comparison, looks[run.view.key]) for run in comparison.runs]
    table = html.Table([html.Thead(html.Tr(heads)), html.Tbody(rows)], className="compared")
    return html.Div(table, className="scroll-x", tabIndex=0, role="region", **_LABEL)


_LABEL = {"aria-label": "The runs compared"}


def _row(run: ComparedRun, comparison: Comparison, look: tuple[int, int]) -> html.Tr:
    view = run.view
    is_base = view.key == comparison.base
    return html.Tr(
        [
            html.Td(_swatch(look)),
            html.Th(html.A(view.name, href=run_href(view.key), className="run-link"), scope="row"),
            html.Td(verdict_badge(view.judgement.verdict)),
            html.Td(number(run.last_loss), className="num"),
            html.Td("base" if is_base else _delta(run.delta), className="num"),
            html.Td(number(view.best_loss), className="num"),
            html.Td(number(view.lr, 3), className="num"),
            html.Td(number(view.judgement.suggested_lr, 2), className="num"),
            *(html.Td(text or NOTHING, className="setting") for text in run.settings),
            html.Td(_changes(view.key, comparison, is_base=is_base), className="changes"),
        ],
        className="is-base" if is_base else None,
    )


def _swatch(look: tuple[int, int]) -> html.Span:
    hue, dash = look
    return html.Span(
        className=f"swatch hue-{hue} dash-{DASHES[dash]}",
        role="img",
        **{"aria-label": f"line {hue + 1}, {DASHES[dash]}"},
    )


def _delta(delta: Delta | None) -> Any:
    if delta is None:
        return NOTHING
    sign = "+" if delta.difference > 0 else "−" if delta.difference < 0 else ""
    size = number(abs(delta.difference), 3)
    if delta.share is not None:
        size = f"{100 * abs(delta.share):.1f} %"
        if delta.share >= 1:
            sign, size = "", f"{number(1 + delta.share, 3)} times"
    return html.Span(f"{sign}{size}", title=f"At step {count(delta.step)}")


def _changes(key: str, comparison: Comparison, *, is_base: bool) -> list[html.A]:
    keys = [run.view.key for run in comparison.runs]
    base = "" if is_base else key
    rest = [other for other in keys if other != key]
    return [
        html.A(
            "no base" if is_base else "make base",
            href=compare_href(keys, base),
            className="quiet-link",
            **{"data-keep": "view", "aria-label": f"Measure the others against {key}"},
        ),
        html.A(
            "remove",
            href=compare_href(rest, "" if is_base else comparison.base),
            className="quiet-link",
            **{"data-keep": "view", "aria-label": f"Take {key} out of the comparison"},
        ),
    ]
