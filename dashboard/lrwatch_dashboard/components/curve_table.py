"""The curves of a run as a table, for those who read them better in numbers."""

from __future__ import annotations

from typing import Final

import numpy as np
from dash import html

from lrwatch.formats import NOTHING, count, number
from lrwatch_dashboard.components.table import table
from lrwatch_dashboard.views import Curve, RunCurves

__all__ = ["curve_table"]

_N_ROWS: Final = 12


def curve_table(curves: RunCurves) -> html.Div:
    """Return the values of each curve at steps that are evenly spread over what is shown."""
    lines = [("Loss", curves.smooth_loss)]
    lines += [(f"Learning rate {curve.name}".strip(), curve) for curve in curves.lr if len(curve.x)]
    lines += [("Gradient norm", curves.grad_norm), ("Update / weight", curves.update_ratio)]
    lines = [(name, curve) for name, curve in lines if len(curve.x)]
    if not lines:
        return html.Div(html.P("No step recorded yet.", className="quiet"))
    rows = [
        html.Tr(
            [
                html.Th(count(step), scope="row"),
                *(html.Td(_value(curve, step), className="value") for _, curve in lines),
            ]
        )
        for step in _steps(curves, [curve for _, curve in lines])
    ]
    heads = ("Step", *(name for name, _ in lines))
    return table(heads, rows, "The curves in numbers", "compared")


def _steps(curves: RunCurves, lines: list[Curve]) -> list[int]:
    first, last = curves.window or (
        min(float(line.x[0]) for line in lines),
        max(float(line.x[-1]) for line in lines),
    )
    return sorted({round(float(step)) for step in np.linspace(first, last, _N_ROWS)})


def _value(curve: Curve, step: int) -> str:
    """Return the value at a step, or the last one before it; nothing beyond the curve."""
    place = int(np.searchsorted(curve.x, step, side="right")) - 1
    is_beyond = place < 0 or step > curve.x[-1] + 1
    return NOTHING if is_beyond else number(float(curve.y[place]))
