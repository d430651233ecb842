"""The switches for what the user logged: which metrics are drawn, and which the x axis counts."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, Final
from urllib.parse import quote

from dash import html

from lrwatch_dashboard.components.view_bar import switch
from lrwatch_dashboard.own_metrics import Family, write_names

__all__ = ["metric_bar"]

_MOST_NAMED: Final = 12


def metric_bar(
    found: Sequence[Family],
    shown: Collection[Family],
    axes: Sequence[str] = (),
    *,
    x: str = "step",
    has_start: bool = False,
) -> list[Any]:
    """Return a button for each family, and for each column that the x axis may count.

    Parameters
    ----------
    found, shown
        The families that there are, and those of them that are drawn.
    axes
        Columns that only rise.
    x
        What the x axis counts.
    has_start
        Whether steps may also be counted from the first one, which is not step 0.
    """
    parts = []
    if found:
        chips = [_chip(family, is_on=family in shown) for family in found]
        said = html.Span("metrics", className="quiet")
        group = {"role": "group", "aria-label": "Own metrics"}
        parts.append(
            html.Div([said, html.Div(chips, className="chips")], className="switch", **group)
        )
    choices = [("since the start", "x=start", x == "start")] if has_start else []
    choices += [(name, f"x=own:{quote(name, safe='')}", x == f"own:{name}") for name in axes]
    if choices:
        parts.append(switch("x axis by", choices))
    return parts


def _chip(family: Family, *, is_on: bool) -> html.Button:
    several = len(family.metrics) - _MOST_NAMED
    said = ", ".join(family.metrics[:_MOST_NAMED]) + (f" and {several} more" if several > 0 else "")
    return html.Button(
        family.label,
        className="chip",
        title=f"Show or hide {said}",
        **{"data-metric": write_names([family.name]), "aria-pressed": "true" if is_on else "false"},
    )
