"""What a page is, the parts and the callbacks that pages have in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dash import ClientsideFunction, Dash, Input, Output, State, dcc, html, no_update

from lrwatch_dashboard import ids
from lrwatch_dashboard.figures import no_figure
from lrwatch_dashboard.views import RunSource

__all__ = [
    "GRAPH_CONFIG",
    "Page",
    "chart",
    "follow",
    "frame",
    "heading",
    "high",
    "message",
    "redraw",
    "script",
    "zoom_in_address",
]

_POLL_MILLISECONDS: Final = 2000
GRAPH_CONFIG: Final[Mapping[str, Any]] = {
    "displaylogo": False,
    "responsive": True,
    # With "reset" plotly would go back to the range of the first draw, which a live run outgrows.
    "doubleClick": "autosize",
    # plotly.js 4 offers by default to upload the chart to a server of its makers.
    "modeBarButtonsToRemove": [
        "sendChartToCloud",
        "lasso2d",
        "select2d",
        "zoomIn2d",
        "zoomOut2d",
        "resetScale2d",
    ],
    "plotlyServerURL": "",
    "showLink": False,
    "toImageButtonOptions": {"format": "png", "scale": 2, "filename": "lrwatch"},
}


def _nothing(*_where: Any) -> None:
    return None


@dataclass(frozen=True, slots=True)
class Page:
    """One page; `lrwatch_dashboard.pages.PAGES` lists them all.

    `layout`, `report` and `table` take the source and the query of the address; those of a page
    of a run take the key of the run between the two.

    Attributes
    ----------
    path
        Its address; of a page of a run what stands before the key.
    layout
        Returns the elements.
    name
        What the bar calls it; empty if it is not there.
    is_of_run
        Whether there is one for each run.
    connect
        Registers its callbacks.
    report
        Returns title and elements for a file; None if there is nothing to show.
    table
        Returns its table as rows for a file; None if there is nothing to show.
    """

    path: str
    layout: Callable[..., html.Div]
    name: str = ""
    is_of_run: bool = False
    connect: Callable[[Dash, RunSource], None] = _nothing
    report: Callable[..., tuple[str, html.Div] | None] = _nothing
    table: Callable[..., list[Sequence[Any]] | None] = _nothing


def frame(
    name: str, *body: Any, held: Mapping[str, Any], look: str, is_drawn: bool = False
) -> html.Div:
    """Return a page that asks for news at every tick of its clock, which is named after it.

    `held` is what it keeps for its callbacks, by id; `look` are classes of the style sheet. One
    that is drawn by `redraw` has a clock for that as well: each rests while an answer is awaited,
    and news do not wait for a chart.
    """
    stores = [dcc.Store(id=id_, data=data) for id_, data in held.items()]
    ids_of_clocks = [_clock(name), *([_clock_of_chart(name)] if is_drawn else [])]
    clocks = [dcc.Interval(id=id_, interval=_POLL_MILLISECONDS) for id_ in ids_of_clocks]
    ticks = {"data-tick": " ".join(ids_of_clocks)}
    return html.Div([*clocks, *stores, *body], className=look, **ticks)


def follow(
    app: Dash,
    name: str,
    poll: Callable[..., dict[str, Any]],
    outputs: Mapping[str, Output],
    held: Sequence[State] = (),
) -> None:
    """Ask for news at every tick of a page's clock, and tell the page that the server is there.

    `poll` takes what is held, and returns what has changed, by name of the output.
    """

    def on_tick(_n: int, *known: Any) -> dict[str, Any]:
        as_it_is = dict.fromkeys(outputs, no_update)
        return {**as_it_is, **poll(*known), "beat": {"now": time.time()}}

    app.callback(
        output={**outputs, "beat": Output(ids.BEAT, "data", allow_duplicate=True)},
        inputs=[Input(_clock(name), "n_intervals"), *held],
        prevent_initial_call=True,
    )(on_tick)


def redraw(
    app: Dash,
    name: str,
    draw: Callable[..., dict[str, Any] | None],
    ids_of: Mapping[str, str],
    held: Sequence[State] = (),
) -> None:
    """Draw a chart anew at every tick of its clock, and when its view or the theme changes.

    `draw` takes what is held, the words of the address, the theme (``"light"`` or ``"dark"``), and
    the token of what is shown; it returns what each component is to show, or None if that is shown.
    Among these ``"token"`` keeps the token, and ``"figure"`` is the chart.
    """
    shows = {"figure": "figure", "token": "data"}
    outputs = {name: Output(id_, shows.get(name, "children")) for name, id_ in ids_of.items()}
    outputs["place"] = Output(ids_of["figure"], "style")
    as_it_is = dict.fromkeys(outputs, no_update)

    def on_view(
        _n: int, words: dict[str, str] | None, theme: str, drawn: str, *known: Any
    ) -> dict[str, Any]:
        shown = draw(*known, words or {}, theme, drawn)
        return as_it_is if shown is None else {**shown, "place": high(shown["figure"])}

    app.callback(
        output=outputs,
        inputs=[
            Input(_clock_of_chart(name), "n_intervals"),
            Input(ids.VIEW, "data"),
            Input(ids.THEME, "data"),
            State(ids_of["token"], "data"),
            *held,
        ],
    )(on_view)


def zoom_in_address(app: Dash, graph: str) -> None:
    """Have the zoom of a chart stand in the address."""
    into = Output(ids.VIEW, "data", allow_duplicate=True)
    script(app, "lrwatch.zoomOf", Input(graph, "relayoutData"), into)


def script(app: Dash, function: str, when: Input, *into: Output) -> None:
    """Call a function of the scripts of the assets at every change but the first."""
    called = ClientsideFunction(*function.split("."))
    app.clientside_callback(called, *into, when, prevent_initial_call=True)


def _clock(name: str) -> str:
    return f"{name}-tick"


def _clock_of_chart(name: str) -> str:
    return f"{name}-chart-tick"


def heading(title: str, *below: Any) -> html.Div:
    """Return the heading of a page, and what stands right below it."""
    return html.Div([html.H1(title), *below], className="run-head")


def chart(id_: str, label: str, height: int = 860) -> html.Section:
    """Return the place of a chart, of the height in pixels that it will have."""
    figure = no_figure(height)
    graph = dcc.Graph(id=id_, config=dict(GRAPH_CONFIG), figure=figure, style=high(figure))
    return html.Section(graph, className="chart", role="figure", **{"aria-label": label})


def high(figure: Any) -> dict[str, float]:
    """Return the style of a place for a chart: the height, which plotly forgets on a resize."""
    return {"height": figure["layout"]["height"]}


def message(title: str, *paragraphs: Any) -> html.Div:
    """Return a page that has nothing but a sentence or two."""
    return html.Div([html.H1(title), *paragraphs], className="empty")
