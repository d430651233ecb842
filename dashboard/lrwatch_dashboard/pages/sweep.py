"""The Sweep page: where runs ended against their learning rate, and which rate won."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import plotly.graph_objects as go
from dash import ClientsideFunction, Dash, Input, Output, dcc, html, no_update

from lrwatch_dashboard import ids
from lrwatch_dashboard.address import ChartView, query
from lrwatch_dashboard.comparison_views import Sweep
from lrwatch_dashboard.components.sweep_parts import (
    range_card,
    range_table,
    rate_table,
    sweep_card,
    sweep_list,
)
from lrwatch_dashboard.components.view_bar import save_buttons, switch
from lrwatch_dashboard.data.range_tests import range_test
from lrwatch_dashboard.data.sweeps import Measure, find_sweeps, sweep_of
from lrwatch_dashboard.data.tables import range_rows, sweep_rows
from lrwatch_dashboard.figures import (
    GRAPH_CONFIG,
    message_figure,
    no_figure,
    range_figure,
    sweep_figure,
)
from lrwatch_dashboard.pages.drawing import redraw_when_asked
from lrwatch_dashboard.pages.overview import POLL_MILLISECONDS
from lrwatch_dashboard.views import RunSource, RunView

__all__ = ["draw", "layout", "register", "report", "table"]

_PARTS = ("figure", "card", "list", "table", "token")


def layout(search: str = "") -> html.Div:
    """Return the page, which is filled by its first callback.

    Parameters
    ----------
    search
        Query of the address: ``group`` is a run of the sweep that is shown, ``loss=best``
        measures runs by the least loss, ``y`` is the scale.
    """
    words = query(search)
    view, is_best = ChartView.of(words), words.get("loss") == "best"
    scales = [("auto", "y=", view.y == "auto"), ("linear", "y=linear", view.y == "linear")]
    measures = [("final", "loss=", not is_best), ("best", "loss=best", is_best)]
    return html.Div(
        [
            dcc.Interval(id=ids.SWEEP_TICK, interval=POLL_MILLISECONDS),
            dcc.Store(id=ids.SWEEP_TOKEN, data=""),
            dcc.Store(id=ids.VIEW, data=words),
            html.Div(
                [
                    html.H1("Sweep"),
                    html.P(
                        "Runs that differ in learning rate and seed only, and range tests",
                        className="status",
                    ),
                ],
                className="run-head",
            ),
            html.Nav(id=ids.SWEEP_LIST, className="sweep-list", **{"aria-label": "Sweeps"}),
            html.Div(id=ids.SWEEP_CARD),
            html.Div(
                [
                    switch("loss", measures),
                    switch("y axis", scales),
                    save_buttons("/sweep", has_table=True),
                ],
                className="view-bar",
                role="toolbar",
                **{"aria-label": "Chart"},
            ),
            html.Section(
                dcc.Graph(id=ids.SWEEP_GRAPH, config=dict(GRAPH_CONFIG), figure=no_figure(460)),
                className="chart",
                role="figure",
                **{"aria-label": "Loss against learning rate; the table below says the same"},
            ),
            html.Section(
                [html.H2("By learning rate"), html.Div(id=ids.SWEEP_TABLE)], className="card"
            ),
        ],
        className="run sweep",
        **{"data-tick": ids.SWEEP_TICK},
    )


def draw(source: RunSource, words: dict[str, str], theme: str, drawn: str) -> dict[str, Any]:
    """Return what is shown, or nothing new if the token says that this is it.

    Parameters
    ----------
    source
        Where the runs come from.
    words
        Words of the address.
    theme
        ``"light"`` or ``"dark"``.
    drawn
        Token of what is shown.

    Returns
    -------
    dict
        A value for each output of the callback, by its name.
    """
    known, _, drawn_state = drawn.partition(" ")
    state = f"{sorted(words.items())} {theme}"
    now = source.overview(known).token
    if now == known and state == drawn_state:
        return dict.fromkeys(_PARTS, no_update)
    found = _Store.of(source, words)
    shown = _shown(source, found, words, theme)
    return {
        "figure": shown.figure,
        "card": shown.card,
        "list": sweep_list(found.sweeps, found.tests, found.shown) if found.shown else "",
        "table": shown.table,
        "token": f"{now} {state}",
    }


def report(source: RunSource, search: str) -> tuple[str, html.Div] | None:
    """Return title and elements of the page as it stands, for a file; None if it is empty."""
    words = query(search)
    found = _Store.of(source, words)
    if found.shown is None:
        return None
    shown = _shown(source, found, words, "variables")
    name = found.shown.label if isinstance(found.shown, Sweep) else found.shown.name
    head = [html.H1("Sweep"), html.P(name, className="status")]
    body = html.Div(
        [
            html.Div(head, className="run-head"),
            shown.card,
            dcc.Graph(figure=shown.figure),
            html.Section([html.H2("By learning rate"), shown.table], className="card"),
        ],
        className="run sweep",
    )
    return "sweep", body


def table(source: RunSource, search: str) -> list[Sequence[Any]] | None:
    """Return the table of the page as rows, for a file; None if it is empty."""
    shown = _Store.of(source, query(search)).shown
    if isinstance(shown, Sweep):
        return sweep_rows(shown)
    curves = source.curves(shown.key) if shown is not None else None
    return range_rows(range_test(shown, curves)) if shown and curves else None


@dataclass(frozen=True, slots=True)
class _Store:
    """The sweeps and range tests that there are, and the one that an address means."""

    sweeps: Sequence[Sweep]
    tests: Sequence[RunView]
    shown: Sweep | RunView | None

    @classmethod
    def of(cls, source: RunSource, words: Mapping[str, str]) -> _Store:
        views, key = source.runs(), words.get("group", "")
        sweeps = find_sweeps(views, _loss(words))
        tests = [view for view in views if view.trial.is_range_test]
        every: list[Sweep | RunView] = [*sweeps, *tests]
        first = every[0] if every else None
        test = next((test for test in tests if test.key == key), None)
        return cls(sweeps, tests, test or sweep_of(sweeps, key) or first)


class _Shown(NamedTuple):
    figure: go.Figure
    card: Any
    table: Any


def _shown(source: RunSource, found: _Store, words: Mapping[str, str], theme: str) -> _Shown:
    y = ChartView.of(words).y
    if isinstance(found.shown, Sweep):
        figure = sweep_figure(found.shown, theme=theme, y=y, loss=_loss(words))
        return _Shown(figure, sweep_card(found.shown), rate_table(found.shown))
    if found.shown is None:
        return _Shown(message_figure("No run has a learning rate yet.", theme=theme), "", "")
    curves = source.curves(found.shown.key)
    if curves is None:
        said = "The rows of this run cannot be read."
        return _Shown(message_figure(said, theme=theme), "", "")
    test = range_test(found.shown, curves)
    return _Shown(range_figure(test, theme=theme, y=y), range_card(test), range_table(test))


def _loss(words: Mapping[str, str]) -> Measure:
    return "best" if words.get("loss") == "best" else "final"


def register(app: Dash, source: RunSource) -> None:
    """Connect the page's callbacks."""

    def on_tick(_n: int) -> dict[str, float]:
        return {"now": time.time()}

    def on_view(words: dict[str, str], theme: str, drawn: str) -> dict[str, Any]:
        return draw(source, words, theme, drawn)

    app.callback(
        Output(ids.BEAT, "data", allow_duplicate=True),
        Input(ids.SWEEP_TICK, "n_intervals"),
        prevent_initial_call=True,
    )(on_tick)
    redraw_when_asked(
        app,
        on_view,
        tick=ids.SWEEP_TICK,
        token=ids.SWEEP_TOKEN,
        outputs={
            "figure": Output(ids.SWEEP_GRAPH, "figure"),
            "card": Output(ids.SWEEP_CARD, "children"),
            "list": Output(ids.SWEEP_LIST, "children"),
            "table": Output(ids.SWEEP_TABLE, "children"),
        },
    )
    app.clientside_callback(
        ClientsideFunction("lrwatch", "openPoint"),
        Input(ids.SWEEP_GRAPH, "clickData"),
        prevent_initial_call=True,
    )
