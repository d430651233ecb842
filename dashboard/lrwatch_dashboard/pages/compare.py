"""The Compare page: chosen runs over one another, and what differs in their settings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final

import plotly.graph_objects as go
from dash import Dash, Input, Output, State, dcc, html

from lrwatch.formats import count, counted
from lrwatch_dashboard import ids
from lrwatch_dashboard.address import ChartView, metric_of_axis, query, run_keys
from lrwatch_dashboard.comparison_views import SideBySide
from lrwatch_dashboard.components.compare_parts import compare_table, settings_card
from lrwatch_dashboard.components.metric_bar import metric_bar
from lrwatch_dashboard.components.verdicts import verdict_list
from lrwatch_dashboard.components.view_bar import switch, view_bar
from lrwatch_dashboard.data.comparison import (
    MOST_RUNS,
    backdrop,
    chart_view,
    chosen_keys,
    compared,
    limit,
    shown_families,
)
from lrwatch_dashboard.data.rulers import ruled
from lrwatch_dashboard.data.setting_points import (
    chosen_pair,
    results_of,
    setting_points,
    settings_of,
)
from lrwatch_dashboard.data.tables import comparison_rows
from lrwatch_dashboard.figures import (
    compare_figure,
    message_figure,
    parallel_figure,
    scatter_figure,
)
from lrwatch_dashboard.own_metrics import rising_names
from lrwatch_dashboard.pages.page import (
    GRAPH_CONFIG,
    Page,
    chart,
    follow,
    frame,
    heading,
    message,
    redraw,
    script,
    zoom_in_address,
)
from lrwatch_dashboard.theme import line_looks
from lrwatch_dashboard.views import RunSource, RunView

__all__ = ["PAGE", "draw", "layout", "report", "status", "table"]

_TOKEN, _STATUS = "compare-token", "compare-status"
_TABLE, _GRAPH, _OWN = "compare-table", "compare-graph", "compare-own"
_SETTINGS = "compare-settings"
_MOST_ACROSS: Final = 4  # settings beside one another


def layout(source: RunSource, search: str = "") -> html.Div:
    """Return the page.

    Of the query, ``runs`` are keys with commas between, or ``group`` is a run whose sweep is
    meant; ``base`` is one of them; ``others=on`` draws the other runs grey, ``seeds=band`` draws
    runs that differ in the seed only as one; the rest is for `ChartView`.
    """
    words, named = query(search), run_keys(search)
    keys = chosen_keys(source, named, words)
    if not keys:
        return _nothing_to_compare()
    others, by_seed = words.get("others") == "on", words.get("seeds") == "band"
    switches = (
        switch("seeds", [("single", "seeds=", not by_seed), ("band", "seeds=band", by_seed)]),
        switch("other runs", [("hide", "others=", not others), ("show", "others=on", others)]),
    )
    status_line = html.P(_status_line(source, keys, words), id=_STATUS, className="status")
    return frame(
        "compare",
        heading("Compare", status_line),
        html.Div(id=_TABLE, className="card"),
        view_bar(ChartView.of(words), "/compare", *switches, has_table=True),
        html.Div(id=_OWN, className="view-bar"),
        chart(_GRAPH, "Loss, learning rate, gradient norm and update ratio of the runs"),
        html.Div(id=_SETTINGS),
        held={ids.COMPARE_RUNS: named, _TOKEN: "", ids.VIEW: words},
        look="run compare",
        is_drawn=True,
    )


def status(source: RunSource, keys: Sequence[str], words: Mapping[str, str]) -> str:
    """Return the line below the heading: how many runs, and which of them cannot be shown."""
    shown = keys[: limit(words)]
    known = {view.key: view for view in source.runs(shown)}
    missing = [key for key in shown if key not in known]
    n_running = sum(view.state == "running" for view in known.values())
    parts = [f"{counted(len(known), 'run')}, {n_running} running"]
    if len(keys) > len(shown):
        parts.append(f"showing the first {len(shown)} of {count(len(keys))}")
    if missing:
        parts.append("no such run: " + ", ".join(missing))
    return "; ".join(parts)


def _status_line(source: RunSource, keys: Sequence[str], words: Mapping[str, str]) -> list[Any]:
    is_live = any(view.state == "running" for view in source.runs(keys[: limit(words)]))
    dot = html.Span(className="dot dot-running", **{"aria-hidden": "true"})
    return [*([dot] if is_live else []), status(source, keys, words)]


def draw(
    source: RunSource, keys: Sequence[str], words: Mapping[str, str], theme: str, drawn: str
) -> dict[str, Any] | None:
    """Return table and chart, or None if the token says that they are shown."""
    views = source.runs(keys[: limit(words)])
    token = f"{[view.token for view in views]} {sorted(words.items())} {theme}"
    if token == drawn:
        return None
    table, figure, settings = _side_by_side(source, views, words, theme)
    own = _switches(views, words)
    return {"figure": figure, "table": table, "own": own, "settings": settings, "token": token}


def _switches(views: Sequence[RunView], words: Mapping[str, str]) -> list[Any]:
    found, shown = shown_families(views, words)
    axes = rising_names([view.metrics for view in views])
    starts = [view.last_step + 1 - view.steps for view in views if view.last_step is not None]
    x = ChartView.of(words).x
    return metric_bar(found, shown, axes, x=x, has_start=any(start > 0 for start in starts))


def report(source: RunSource, search: str) -> tuple[str, html.Div] | None:
    """Return title and elements of the page as it stands, for a file; None if it shows no run."""
    keys, words, views = _meant(source, search)
    if not views:
        return None
    table, figure, settings = _side_by_side(source, views, words, "variables", can_change=False)
    body = [
        heading("Comparison", html.P(status(source, keys, words), className="status")),
        html.Div(table, className="card"),
        dcc.Graph(figure=figure),
        settings,
        html.Section([html.H2("Why"), verdict_list(views)], className="card"),
    ]
    return "compare", html.Div(body, className="run compare")


def table(source: RunSource, search: str) -> list[Sequence[Any]] | None:
    """Return the table of the page as rows, for a file; None if it shows no run."""
    _, words, views = _meant(source, search)
    return comparison_rows(compared(source, views, words)) if views else None


def _meant(
    source: RunSource, search: str
) -> tuple[Sequence[str], Mapping[str, str], Sequence[RunView]]:
    """Return the keys and words of an address, and the runs that are shown for them."""
    words = query(search)
    keys = chosen_keys(source, run_keys(search), words)
    return keys, words, source.runs(keys[: limit(words)])


def _side_by_side(
    source: RunSource,
    views: Sequence[RunView],
    words: Mapping[str, str],
    theme: str,
    *,
    can_change: bool = True,
) -> tuple[html.Div, go.Figure, Any]:
    """Return table and chart of runs, and the card of their settings."""
    if not views:
        said = message_figure("None of these runs is in this folder.", theme=theme)
        return html.Div(), said, ""
    comparison = compared(source, views, words)
    view = chart_view(words, [run.view for run in comparison.runs])
    leads = {run.view.key: run.lead for run in comparison.runs}
    rates = {run.view.key: run.view.lr or math.nan for run in comparison.runs}
    lines = line_looks(list(dict.fromkeys(leads.values())), rates)
    looks = {key: lines[lead] for key, lead in leads.items()}
    others = None
    if words.get("others") == "on" and not metric_of_axis(view.x):
        behind = [ruled(source, run, view.x) for run in source.runs()]
        others = backdrop(behind, list(looks), by_clock=view.x != "step")
    figure = compare_figure(comparison, looks, others, theme=theme, view=view)
    card = _settings(comparison, looks, words, theme, can_change=can_change)
    return compare_table(comparison, looks, can_change=can_change), figure, card


def _settings(
    comparison: SideBySide,
    looks: Mapping[str, tuple[int, int]],
    words: Mapping[str, str],
    theme: str,
    *,
    can_change: bool,
) -> Any:
    """Return the card of settings and results; nothing for a run that is alone."""
    if len(comparison.runs) < 2:  # noqa: PLR2004
        return ""
    settings, results = settings_of(comparison), results_of(comparison)
    setting, result = chosen_pair(comparison, words)
    across = [name for name in settings if name != setting][: _MOST_ACROSS - 1]
    ordered = [*across, setting]
    points = setting_points(comparison, ordered, result)
    figures = (
        scatter_figure(points, looks, (setting, result), theme=theme),
        parallel_figure(points, looks, [*ordered, result], theme=theme),
    )
    config = dict(GRAPH_CONFIG) if can_change else None
    return settings_card(figures, (settings, results), (setting, result), config)


def _connect(app: Dash, source: RunSource) -> None:
    def on_tick(keys: list[str], words: dict[str, str] | None) -> dict[str, Any]:
        chosen = chosen_keys(source, keys, words or {})
        return {"status": _status_line(source, chosen, words or {})}

    def on_view(
        keys: list[str], words: dict[str, str], theme: str, drawn: str
    ) -> dict[str, Any] | None:
        return draw(source, chosen_keys(source, keys, words), words, theme, drawn)

    runs = State(ids.COMPARE_RUNS, "data")
    said = {"status": Output(_STATUS, "children")}
    follow(app, "compare", on_tick, said, [runs, State(ids.VIEW, "data")])
    drawn = {"figure": _GRAPH, "table": _TABLE, "own": _OWN, "settings": _SETTINGS}
    redraw(app, "compare", on_view, {**drawn, "token": _TOKEN}, [runs])
    script(app, "lrwatch.openLine", Input(_GRAPH, "clickData"))
    zoom_in_address(app, _GRAPH)


PAGE: Final = Page("/compare", layout, "Compare", connect=_connect, report=report, table=table)


def _nothing_to_compare() -> html.Div:
    overview, space, mark, go_on = html.A("Overview", href="/"), *map(html.Kbd, ("space", "x", "c"))
    how = ["Select runs in the ", overview, " with their checkboxes, ", space, " or ", mark]
    return message(
        "Nothing to compare yet",
        html.P([*how, "; then press ", go_on, " or Compare."]),
        html.P(f"A chart holds up to {MOST_RUNS} runs.", className="quiet"),
    )
