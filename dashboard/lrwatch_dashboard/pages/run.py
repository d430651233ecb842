"""The Run page: one run's verdict, its curves on one axis, and what the verdict rests on."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import plotly.graph_objects as go
from dash import Dash, Output, State, dcc, html

from lrwatch_dashboard import ids
from lrwatch_dashboard.address import ChartView, query, run_href, steps_of
from lrwatch_dashboard.components.activity_list import activity_line
from lrwatch_dashboard.components.common_parts import settings_list
from lrwatch_dashboard.components.metric_bar import metric_bar
from lrwatch_dashboard.components.run_parts import (
    curve_table,
    evidence_table,
    run_labels,
    run_links,
    run_status,
    verdict_card,
)
from lrwatch_dashboard.components.view_bar import view_bar
from lrwatch_dashboard.data.rulers import ruled
from lrwatch_dashboard.figures import message_figure, run_figure
from lrwatch_dashboard.own_metrics import (
    Family,
    chosen_families,
    families,
    is_event,
    layer_families,
    names_of,
    rising_names,
)
from lrwatch_dashboard.pages.page import (
    Page,
    chart,
    follow,
    frame,
    heading,
    message,
    redraw,
    zoom_in_address,
)
from lrwatch_dashboard.views import RunCurves, RunSource, RunView

__all__ = ["PAGE", "draw", "layout", "poll", "report"]

_TOKEN, _DRAWN = "run-token", "run-curves-token"
_STATUS, _VERDICT, _EVIDENCE = "run-status", "run-verdict", "run-evidence"
_NUMBERS, _GRAPH, _OWN = "run-numbers", "run-graph", "run-own"

_PATIENCE: Final = 0.3  # seconds that a chart waits for the user's metrics; they come with a tick
_UNREADABLE: Final = "The rows of this run cannot be read."


def layout(source: RunSource, key: str, search: str = "") -> html.Div:
    """Return the page of a run, or one that says that there is no such run.

    The query says how the chart is shown, as `ChartView` reads it.
    """
    view = source.run(key)
    if view is None:
        gone = html.P(["There is no run ", html.Code(key), " in this folder."])
        return message("No such run", gone, html.A("All runs", href="/"))
    words = query(search)
    status = html.P(run_status(view, time.time()), id=_STATUS, className="status")
    return frame(
        "run",
        heading(
            view.name,
            status,
            *run_labels(view),
            *activity_line(source.activity(view.key)),
            run_links(view.key),
        ),
        html.Div(verdict_card(view), id=_VERDICT),
        view_bar(ChartView.of(words), run_href(view.key)),
        html.Div(id=_OWN, className="view-bar"),
        chart(_GRAPH, "Loss, learning rate, gradient norm and update ratio by step"),
        html.Details([html.Summary("Show as table"), html.Div(id=_NUMBERS)], className="twin"),
        _rests_on(view),
        held={ids.RUN_KEY: view.key, _TOKEN: view.token, _DRAWN: "", ids.VIEW: words},
        look="run",
        is_drawn=True,
    )


def poll(source: RunSource, key: str, token: str, now: float) -> dict[str, Any]:
    """Return what changed beside the curves since a token."""
    view = source.run(key)
    if view is None:
        return {"status": "The folder of this run is gone; this is its last known state."}
    status = {"status": run_status(view, now)}
    if view.token == token:
        return status
    evidence = evidence_table(view.evidence)
    return {**status, "verdict": verdict_card(view), "evidence": evidence, "token": view.token}


def draw(
    source: RunSource, key: str, words: Mapping[str, str], theme: str, drawn: str
) -> dict[str, Any] | None:
    """Return chart and table, or None if the token says that they are shown."""
    run = source.run(key)
    if run is None:
        return None
    shown = _Shown.of(source, run, words, patience=_PATIENCE)
    if shown.curves is None:
        token, figure = f"unreadable {theme}", message_figure(_UNREADABLE, theme=theme)
        nothing = {"numbers": "", "own": ""}
        return None if token == drawn else {"figure": figure, **nothing, "token": token}
    interval = run.diagnosis and run.diagnosis.interval
    chosen = [family.name for family in shown.families]
    of_rows = f"{shown.curves.token} {shown.curves.waiting} {len(run.alert_marks)}"
    token = f"{of_rows} {run.verdict} {interval} {shown.view} {chosen} {theme}"
    if token == drawn:
        return None
    return {
        "figure": shown.figure(theme),
        "numbers": curve_table(shown.curves),
        "own": shown.switches(),
        "token": token,
    }


def report(source: RunSource, key: str, search: str) -> tuple[str, html.Div] | None:
    """Return title and elements of the page as it stands, for a file; None without such a run."""
    run = source.run(key)
    if run is None:
        return None
    shown = _Shown.of(source, run, query(search))
    body: list[Any] = [html.P(_UNREADABLE, className="quiet")]
    if shown.curves is not None:
        twin = [html.Summary("Show as table"), curve_table(shown.curves)]
        body = [dcc.Graph(figure=shown.figure("variables")), html.Details(twin, className="twin")]
    head = heading(run.name, html.P(run_status(run, time.time()), className="status"))
    return run.name, html.Div([head, verdict_card(run), *body, _rests_on(run)], className="run")


@dataclass(frozen=True, slots=True)
class _Shown:
    """A run as an address shows it: its clock is what the x axis counts."""

    run: RunView
    view: ChartView
    families: tuple[Family, ...]
    curves: RunCurves | None

    @classmethod
    def of(
        cls,
        source: RunSource,
        run: RunView,
        words: Mapping[str, str],
        patience: float | None = None,
    ) -> _Shown:
        view = ChartView.of(words)
        run = ruled(source, run, view.x)
        view = view.ending_at([(run.last_step, run.clock)])
        found, counters = _families(run), rising_names([run.metrics])
        chosen = chosen_families(found, words.get("m"), counters)
        own = [name for family in chosen for name in family.metrics]
        own += filter(is_event, run.metrics)
        window = steps_of(view, run.clock)
        curves = source.curves(
            run.key, window, view.half_life, names_schedule=True, own=own, patience=patience
        )
        if curves is not None:
            flat = frozenset(name for name, m in run.metrics.items() if m.n and m.low == m.high)
            curves = dataclasses.replace(curves, marks=run.alert_marks, flat=flat)
        return cls(run, view, chosen, curves)

    def figure(self, theme: str) -> go.Figure:
        """Return the chart; there must be curves."""
        assert self.curves is not None  # noqa: S101  a page without curves says so instead
        return run_figure(
            self.curves,
            self.run.diagnosis,
            theme=theme,
            view=self.view,
            clock=self.run.clock,
            shown=self.families,
        )

    def switches(self) -> list[Any]:
        """Return those for the user's own metrics."""
        run = self.run
        found, axes = _families(run), rising_names([run.metrics])
        is_late = run.last_step is not None and run.last_step + 1 > run.steps
        return metric_bar(found, self.families, axes, x=self.view.x, has_start=is_late)


def _families(run: RunView) -> tuple[Family, ...]:
    return (*families(names_of([run.metrics])), *layer_families(run.metrics))


def _connect(app: Dash, source: RunSource) -> None:
    def on_tick(key: str, token: str) -> dict[str, Any]:
        return poll(source, key, token, time.time())

    said = {"status": _STATUS, "verdict": _VERDICT, "evidence": _EVIDENCE}
    outputs = {name: Output(id_, "children") for name, id_ in said.items()}
    held = [State(ids.RUN_KEY, "data"), State(_TOKEN, "data")]
    follow(app, "run", on_tick, {**outputs, "token": Output(_TOKEN, "data")}, held)
    drawn = {"figure": _GRAPH, "numbers": _NUMBERS, "own": _OWN, "token": _DRAWN}
    redraw(app, "run", partial(draw, source), drawn, [State(ids.RUN_KEY, "data")])
    zoom_in_address(app, _GRAPH)


PAGE: Final = Page("/run/", layout, is_of_run=True, connect=_connect, report=report)


def _rests_on(view: RunView) -> html.Div:
    cards = [
        ("Evidence", html.Div(evidence_table(view.evidence), id=_EVIDENCE), "card wide"),
        (
            "Configuration",
            settings_list(view.config, "None given; pass config={...} to lrwatch.watch."),
            "card",
        ),
        ("Job", settings_list({**view.job, **view.environment}, "None recorded."), "card"),
    ]
    return html.Div(
        [html.Section([html.H2(name), body], className=look) for name, body, look in cards],
        className="rests-on",
    )
