"""The Sweep page: where runs ended against their learning rate, and which rate won."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, NamedTuple

import plotly.graph_objects as go
from dash import Dash, Input, dcc, html

from lrwatch_dashboard import ids
from lrwatch_dashboard.address import ChartView, query
from lrwatch_dashboard.comparison_views import SweepView
from lrwatch_dashboard.components.sweep_parts import (
    range_card,
    range_table,
    rate_table,
    sweep_card,
    sweep_list,
)
from lrwatch_dashboard.components.view_bar import pick, save_buttons, switch, toolbar
from lrwatch_dashboard.data.sweeps import (
    SweepMeasure,
    by_metric,
    find_sweeps,
    range_test,
    sweep_of,
    with_next_rate,
)
from lrwatch_dashboard.data.tables import range_rows, sweep_rows
from lrwatch_dashboard.figures import message_figure, range_figure, sweep_figure
from lrwatch_dashboard.own_metrics import is_result, names_of, wants_least
from lrwatch_dashboard.pages.page import Page, chart, follow, frame, heading, redraw, script
from lrwatch_dashboard.views import RunSource, RunView

__all__ = ["PAGE", "draw", "layout", "report", "table"]

_TOKEN, _LIST, _CARD = "sweep-token", "sweep-list", "sweep-card"
_GRAPH, _TABLE, _OWN = "sweep-graph", "sweep-table", "sweep-own"
_CHART_PX: Final = 460


def layout(_source: RunSource, search: str = "") -> html.Div:
    """Return the page, which is filled by its first callback.

    Of the query, ``group`` is a run of the sweep that is shown, ``by`` one of the user's metrics
    to measure runs by instead of the loss, of which less or more is better as ``goal`` says
    (``min``, ``max``); ``loss=best`` takes its best value and not the last, ``y`` is the scale.
    """
    words = query(search)
    view, is_best = ChartView.of(words), words.get("loss") == "best"
    scales = [("auto", "y=", view.y == "auto"), ("linear", "y=linear", view.y == "linear")]
    measures = [("final", "loss=", not is_best), ("best", "loss=best", is_best)]
    what = "Runs that differ only in learning rate and seed, and range tests"
    return frame(
        "sweep",
        heading("Sweep", html.P(what, className="status")),
        html.Nav(id=_LIST, className="sweep-list", **{"aria-label": "Sweeps"}),
        html.Div(id=_CARD),
        toolbar(
            html.Div(id=_OWN, className="measured-by"),
            switch("value", measures),
            switch("y axis", scales),
            save_buttons("/sweep", has_table=True),
        ),
        chart(_GRAPH, "Loss against learning rate; the table below says the same", _CHART_PX),
        _by_rate(html.Div(id=_TABLE)),
        held={_TOKEN: "", ids.VIEW: words},
        look="run sweep",
        is_drawn=True,
    )


def draw(
    source: RunSource, words: Mapping[str, str], theme: str, drawn: str
) -> dict[str, Any] | None:
    """Return what is shown, or None if the token says that it is."""
    known, _, drawn_state = drawn.partition(" ")
    state = f"{sorted(words.items())} {theme}"
    now = source.overview(known).token
    if now == known and state == drawn_state:
        return None
    found = _Store.of(source, words)
    shown = _shown(source, found, words, theme)
    return {
        "figure": shown.figure,
        "card": shown.card,
        "list": sweep_list(found.sweeps, found.tests, found.shown) if found.shown else "",
        "table": shown.table,
        "own": _measured_by(found.shown, words),
        "token": f"{now} {state}",
    }


def report(source: RunSource, search: str) -> tuple[str, html.Div] | None:
    """Return title and elements of the page as it stands, for a file; None if it is empty."""
    words = query(search)
    found = _Store.of(source, words)
    if found.shown is None:
        return None
    shown = _shown(source, found, words, "variables")
    name = found.shown.label if isinstance(found.shown, SweepView) else found.shown.name
    head = heading("Sweep", html.P(name, className="status"))
    body = [head, shown.card, dcc.Graph(figure=shown.figure), _by_rate(shown.table)]
    return "sweep", html.Div(body, className="run sweep")


def table(source: RunSource, search: str) -> list[Sequence[Any]] | None:
    """Return the table of the page as rows, for a file; None if it is empty."""
    shown = _Store.of(source, query(search)).shown
    if isinstance(shown, SweepView):
        return sweep_rows(shown)
    curves = source.curves(shown.key) if shown is not None else None
    return range_rows(range_test(curves)) if shown and curves else None


@dataclass(frozen=True, slots=True)
class _Store:
    """The sweeps and range tests that there are, and the one that an address means."""

    sweeps: Sequence[SweepView]
    tests: Sequence[RunView]
    shown: SweepView | RunView | None

    @classmethod
    def of(cls, source: RunSource, words: Mapping[str, str]) -> _Store:
        views, key, objective = source.runs(), words.get("group", ""), SweepMeasure.of(words)
        sweeps = find_sweeps(views, "best" if objective.is_best else "final")
        if objective.metric:
            sweeps = tuple(by_metric(sweep, objective) for sweep in sweeps)
        tests = [view for view in views if view.trial.is_range_test]
        every: list[SweepView | RunView] = [*sweeps, *tests]
        first = every[0] if every else None
        test = next((test for test in tests if test.key == key), None)
        shown = test or sweep_of(sweeps, key) or first
        # What to try next comes from the verdicts, and they are about the training loss.
        if isinstance(shown, SweepView) and not objective.metric:
            known, shown = shown, with_next_rate(shown, tests, source)
            sweeps = tuple(shown if sweep is known else sweep for sweep in sweeps)
        return cls(sweeps, tests, shown)


class _Shown(NamedTuple):
    figure: go.Figure
    card: Any
    table: Any


def _shown(source: RunSource, found: _Store, words: Mapping[str, str], theme: str) -> _Shown:
    y = ChartView.of(words).y
    if isinstance(found.shown, SweepView):
        objective = SweepMeasure.of(words)
        figure = sweep_figure(found.shown, theme=theme, y=y, what=objective.label)
        table = rate_table(found.shown, objective.metric or "loss")
        return _Shown(figure, sweep_card(found.shown), table)
    if found.shown is None:
        return _Shown(message_figure("No run has a learning rate yet.", theme=theme), "", "")
    curves = source.curves(found.shown.key)
    if curves is None:
        said = "The rows of this run cannot be read."
        return _Shown(message_figure(said, theme=theme), "", "")
    run, test = found.shown, range_test(curves)
    figure = range_figure(run.key, test, theme=theme, y=y)
    return _Shown(figure, range_card(run, test), range_table(test))


def _measured_by(shown: SweepView | RunView | None, words: Mapping[str, str]) -> list[Any]:
    """Return what chooses the metric that runs are measured by; nothing where there is none."""
    runs = [run.view for run in shown.runs] if isinstance(shown, SweepView) else []
    names = [name for name in names_of(view.metrics for view in runs) if is_result(name)]
    objective = SweepMeasure.of(words)
    if not names:
        return []
    choices = [("training loss", ""), *((name, name) for name in names)]
    parts: list[Any] = [pick("measured by", "by", choices, objective.metric)]
    if objective.metric:
        usual = wants_least(objective.metric)
        words_of = {True: "goal=min", False: "goal=max"} | {usual: "goal="}
        goals = (("less", True), ("more", False))
        parts.append(
            switch("better is", [(t, words_of[g], objective.is_least is g) for t, g in goals])
        )
    return parts


def _by_rate(body: html.Div) -> html.Section:
    return html.Section([html.H2("By learning rate"), body], className="card")


def _connect(app: Dash, source: RunSource) -> None:
    follow(app, "sweep", dict, {})
    drawn = {"card": _CARD, "list": _LIST, "table": _TABLE, "own": _OWN}
    redraw(app, "sweep", partial(draw, source), {**drawn, "figure": _GRAPH, "token": _TOKEN})
    script(app, "lrwatch.openPoint", Input(_GRAPH, "clickData"))


PAGE: Final = Page("/sweep", layout, "Sweep", connect=_connect, report=report, table=table)
