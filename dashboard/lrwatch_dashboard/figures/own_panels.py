"""Panels of what the user logged: a panel a family, where its metrics have one scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from lrwatch.formats import count
from lrwatch.records import FloatArray
from lrwatch_dashboard.address import YScale
from lrwatch_dashboard.figures.axes import linear_axis
from lrwatch_dashboard.figures.panel import Panel, escape, line, shortened, value_axis, within
from lrwatch_dashboard.own_metrics import LOSS, Family, is_layer
from lrwatch_dashboard.theme import Palette
from lrwatch_dashboard.units import in_unit, unit_of, with_unit
from lrwatch_dashboard.views import Curve, RunCurves, Window

__all__ = ["LONGEST_TITLE", "beside_loss", "metric_axis", "metric_line", "own_panels"]

LONGEST_TITLE: Final = 32
"""Characters of a title, beside which a value still fits on a narrow screen."""

_LONGEST_LABEL: Final = 34
_APART: Final = 30.0  # metrics of one family whose sizes differ by more have panels of their own
_WIDE: Final = 100.0  # values that span more than this are drawn on a log axis
_FEW: Final = 120  # points that are seen as such


def own_panels(
    curves: RunCurves, shown: Sequence[Family], palette: Palette, y: YScale
) -> tuple[Panel, ...]:
    """Return the panels of families, but for the losses, which stand beside the training loss."""
    known = {curve.name: curve for curve in curves.own if len(curve.x)}
    panels: list[Panel] = []
    for family in shown:
        members = [known[name] for name in family.metrics if name in known]
        is_elsewhere = family.name == LOSS or is_layer(family.metrics[0])
        if members and not is_elsewhere and {each.name for each in members} <= curves.flat:
            panels += map(_of_one_value, members)
            continue
        groups = [] if is_elsewhere else _on_one_scale(members)
        panels += [_panel(family, group, curves.window, palette, y) for group in groups]
        if not (is_elsewhere or members) and {*family.metrics} & {*curves.waiting}:
            panels.append(Panel(escape(family.name), missing="Being read ...", is_low=True))
    return tuple(panels)


def beside_loss(curves: RunCurves, shown: Sequence[Family]) -> list[Curve]:
    """Return the losses on other data that are shown."""
    names = {name for family in shown if family.name == LOSS for name in family.metrics}
    return [curve for curve in curves.own if curve.name in names and len(curve.x)]


def metric_line(
    curve: Curve, colour: str, *, name: str, width: float = 1.6, sign: str = ""
) -> dict[str, Any]:
    """Return the trace of a metric; where there are few values each is seen as a point.

    `sign` stands after a value.
    """
    trace = line(curve, colour, name=name, width=width)
    trace["hovertemplate"] += sign
    if 1 < len(curve.x) <= _FEW:
        trace |= {"mode": "lines+markers", "marker": {"color": colour, "size": 5}}
    return trace


def metric_axis(values: FloatArray, y: YScale, sign: str = "") -> dict[str, Any]:
    """Return the axis of a metric; a log one where it spans decades, unless told otherwise.

    `sign` stands after each number.
    """
    finite = values[np.isfinite(values)]
    is_wide = len(finite) and finite.min() > 0 and finite.max() > _WIDE * finite.min()
    is_log = y == "log" or (y == "auto" and is_wide)
    axis = value_axis(finite, "log") if is_log else linear_axis(finite)
    return axis | {"ticktext": [text + sign for text in axis["ticktext"]]}


def _panel(
    family: Family, members: Sequence[Curve], window: Window | None, palette: Palette, y: YScale
) -> Panel:
    several = len(members) > 1
    values = np.concatenate([within(curve, window) for curve in members])
    unit = unit_of(members[0].name, values)
    traces = tuple(
        metric_line(
            in_unit(curve, unit),
            palette.hues[i % len(palette.hues)],
            name=_label(family, curve.name),
            sign=unit.sign,
        )
        for i, curve in enumerate(members)
    )
    axis = metric_axis(values / unit.size, y, unit.sign)
    title = shortened(family.name if several else members[0].name, LONGEST_TITLE)
    note = "" if several else f"last {with_unit(members[0].name, float(members[0].y[-1]))}"
    return Panel(title, note, traces, axis, legend=several, is_low=True)


def _of_one_value(curve: Curve) -> Panel:
    """Return a line of text: of a metric that never changed, a chart would show no more."""
    said = with_unit(curve.name, float(curve.y[-1]))
    where = f"at step {count(int(curve.x[-1]))}" if len(curve.x) == 1 else "throughout"
    return Panel(shortened(curve.name, LONGEST_TITLE), f"{said} {where}")


def _label(family: Family, metric: str) -> str:
    """Return what the legend calls a metric; one that is long goes without its family's name."""
    if len(metric) > _LONGEST_LABEL:
        metric = metric.removeprefix(f"{family.name}/")
    return shortened(metric, _LONGEST_LABEL)


def _on_one_scale(members: Sequence[Curve]) -> list[list[Curve]]:
    """Part metrics of sizes that cannot be read off one axis; those of like size stay together."""
    sizes = {curve.name: float(np.abs(curve.y).max()) for curve in members}
    groups: list[list[Curve]] = []
    for curve in sorted(members, key=lambda curve: sizes[curve.name]):
        if groups and sizes[curve.name] <= _APART * max(sizes[groups[-1][0].name], 1e-300):
            groups[-1].append(curve)
        else:
            groups.append([curve])
    order = [curve.name for curve in members]
    for group in groups:
        group.sort(key=lambda curve: order.index(curve.name))
    return sorted(groups, key=lambda group: order.index(group[0].name))
