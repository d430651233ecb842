"""The card that shows settings of the runs compared against what they came to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import plotly.graph_objects as go
from dash import dcc, html

from lrwatch_dashboard.components.pick import pick

__all__ = ["settings_card"]


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
