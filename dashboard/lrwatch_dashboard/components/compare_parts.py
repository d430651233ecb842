"""The parts of the Compare page beside its chart: the table, its legend as well; settings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go
from dash import dcc, html

from lrwatch.formats import NOTHING, count, counted, duration, number
from lrwatch_dashboard.address import compare_href, metric_of_axis, run_href
from lrwatch_dashboard.comparison_views import ComparedRun, Delta, SideBySide
from lrwatch_dashboard.components.common_parts import settings_list, table
from lrwatch_dashboard.components.verdicts import verdict_badge
from lrwatch_dashboard.components.view_bar import pick
from lrwatch_dashboard.theme import DASHES
from lrwatch_dashboard.units import with_unit

__all__ = ["compare_table", "settings_card"]

_MOST_OWN: Final = 4  # columns of the user's metrics; the file has all of them
_NUMBERS = (
    ("Last loss", "Smoothed loss at the last step"),
    ("vs base", "Difference in smoothed loss at the last step, or time, that both have"),
    ("Best loss", "Lowest loss of any step"),
    ("Peak rate", "Highest learning rate so far"),
    ("Try", "Learning rate to try next"),
)


def compare_table(
    comparison: SideBySide, looks: Mapping[str, tuple[int, int]], *, can_change: bool = True
) -> html.Div:
    """Return one row a run: its line, verdict and losses, and the settings that differ.

    `looks` are the numbers of hue and of dash of each run's line, by key; with `can_change` there
    are links that change what is compared.
    """
    heads: list[Any] = ["Line", "Run"]
    heads += [html.Th(name, scope="col", className="setting") for name in comparison.differing]
    heads.append("Verdict")
    own = [(name, "Last value") for name in comparison.own[:_MOST_OWN]]
    numbers = [*_numbers(comparison), *own]
    heads += [html.Th(name, scope="col", className="num", title=title) for name, title in numbers]
    rows = [_row(run, comparison, looks[run.view.key]) for run in comparison.runs]
    if can_change:
        heads.append(html.Th(html.Span("Change", className="unseen"), scope="col"))
        for row, run in zip(rows, comparison.runs, strict=True):
            row.children.append(html.Td(_changes(run.view.key, comparison), className="changes"))
    shown = table(heads, rows, "The runs compared", "compared")
    if not comparison.same or len(comparison.runs) < 2:  # noqa: PLR2004
        return shown
    summary = html.Summary(f"{counted(len(comparison.same), 'setting')} the same in all runs")
    body, kept = [summary, settings_list(dict(comparison.same), "")], {"data-fold": "settings"}
    folded = html.Details(body, className="twin", **kept)
    return html.Div([shown, folded])


def _row(run: ComparedRun, comparison: SideBySide, look: tuple[int, int]) -> html.Tr:
    view = run.view
    is_base = view.key == comparison.base
    own = list(zip(comparison.own, run.own, strict=True))[:_MOST_OWN]
    return html.Tr(
        [
            html.Td(_swatch(look)),
            html.Th(html.A(view.name, href=run_href(view.key), className="run-link"), scope="row"),
            *(html.Td(text or NOTHING, className="setting") for text in run.settings),
            html.Td(verdict_badge(view.verdict)),
            html.Td(number(run.last_loss), className="num"),
            *(
                [html.Td("base" if is_base else _delta(run.delta), className="num")]
                if comparison.base
                else []
            ),
            html.Td(number(view.best_loss), className="num"),
            *([] if comparison.rate_setting else [html.Td(number(view.lr, 3), className="num")]),
            html.Td(number(view.suggested_lr, 2), className="num"),
            *(html.Td(with_unit(name, value), className="num") for name, value in own),
        ],
        className="is-base" if is_base else None,
    )


def _numbers(comparison: SideBySide) -> list[tuple[str, str]]:
    """Return the columns of numbers: none for the base where there is none, no rate twice."""
    absent = {"vs base": not comparison.base, "Peak rate": bool(comparison.rate_setting)}
    return [(name, title) for name, title in _NUMBERS if not absent.get(name)]


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
    return html.Span(f"{sign}{size}", title=_place(delta))


def _place(delta: Delta) -> str:
    if delta.x == "time":
        return f"After {duration(delta.at)}"
    metric = metric_of_axis(delta.x)
    if metric:
        return f"At {metric} {number(delta.at)}"
    since = " since the first" if delta.x == "start" else ""
    return f"At step {count(int(delta.at))}{since}"


def _changes(key: str, comparison: SideBySide) -> list[html.A]:
    is_base = key == comparison.base
    keys = [run.view.key for run in comparison.runs]
    base = "" if is_base else key
    rest = [other for other in keys if other != key]
    return [
        html.A(
            "no base" if is_base else "base",
            href=compare_href(keys, base),
            className="quiet-link",
            **{"data-keep": "view", "aria-label": f"Measure the others against {key}"},
        ),
        html.A(
            "✕",
            href=compare_href(rest, "" if is_base else comparison.base),
            className="quiet-link",
            **{"data-keep": "view", "aria-label": f"Remove {key} from the comparison"},
        ),
    ]


def settings_card(
    figures: Sequence[go.Figure],
    choices: tuple[Sequence[str], Sequence[str]],
    chosen: tuple[str, str],
    config: dict[str, Any] | None,
) -> html.Section:
    """Return the card; without a `config` of graphs, as in a file, nothing can be chosen.

    `choices` are the settings and the results that there are, `chosen` is what is drawn.
    """
    picks = [
        pick(name, word, [(each, each) for each in given], one)
        for name, word, given, one in zip(
            ("setting", "result"), ("sx", "sy"), choices, chosen, strict=True
        )
    ]
    labels = (f"{chosen[1]} against {chosen[0]}", f"Settings side by side, and {chosen[1]}")
    graphs = [
        html.Div(
            dcc.Graph(figure=figure, **_live(figure, config)),
            role="figure",
            **{"aria-label": label},
        )
        for figure, label in zip(figures, labels, strict=True)
    ]
    body: list[Any] = [html.H2("Settings and results")]
    if config is not None:
        body.append(html.Div(picks, className="view-bar"))
    return html.Section([*body, html.Div(graphs, className="side-by-side")], className="card")


def _live(figure: go.Figure, config: dict[str, Any] | None) -> dict[str, Any]:
    """Return what a graph on a page is given besides: plotly forgets its height on a resize."""
    return {} if config is None else {"config": config, "style": {"height": figure.layout.height}}
