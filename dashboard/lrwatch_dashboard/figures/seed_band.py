"""Lines of runs that differ in the seed only as one: their median, and the band of quartiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from lrwatch_dashboard.figures.panel import line
from lrwatch_dashboard.views import Curve

__all__ = ["quartiles", "seed_traces"]

_N_POINTS: Final = 400
_SINGLE_OPACITY: Final = 0.3
_BAND_OPACITY: Final = 0.16


def quartiles(curves: Sequence[Curve]) -> tuple[Curve, Curve, Curve]:
    """Return lower quartile, median and upper quartile of lines whose `x` ascend.

    They are taken where at least half of the lines have a value, so that a run that ended early, or
    broke, does not end the others.
    """
    every = np.unique(np.concatenate([np.empty(0), *(curve.x for curve in curves)]))
    places = np.linspace(0, max(len(every) - 1, 0), min(len(every), _N_POINTS)).astype(np.intp)
    x = every[places]
    known = [curve for curve in curves if len(curve.x)]
    values = [np.interp(x, c.x, c.y, left=np.nan, right=np.nan) for c in known]
    table = np.array(values).reshape(len(values), len(x))
    kept = 2 * np.isfinite(table).sum(axis=0) >= len(curves) if values else np.empty(0, bool)
    found = np.nanquantile(table[:, kept], [0.25, 0.5, 0.75], axis=0) if kept.any() else [[]] * 3
    names = ("lower quartile", "median", "upper quartile")
    low, median, high = (
        Curve(name, x[kept], np.asarray(row, dtype=np.float64))
        for name, row in zip(names, found, strict=True)
    )
    return low, median, high


def seed_traces(
    curves: Sequence[Curve], colour: str, dash: str, *, name: str
) -> list[dict[str, Any]]:
    """Return the single lines faint, the band of quartiles, and the median before them."""
    low, median, high = quartiles(curves)
    silent = {"hoverinfo": "skip", "hovertemplate": None}
    singles = [
        line(curve, colour, name="one seed", width=0.8) | silent | {"opacity": _SINGLE_OPACITY}
        for curve in curves
        if len(curve.x)
    ]
    around = Curve("", np.append(low.x, low.x[::-1]), np.append(low.y, high.y[::-1]))
    band = line(around, colour, name="quartiles", width=0) | silent
    band |= {"fill": "toself", "fillcolor": colour, "opacity": _BAND_OPACITY, "mode": "lines"}
    middle = line(median, colour, name=name, width=2)
    middle["line"]["dash"] = dash
    return [*singles, band, middle]
