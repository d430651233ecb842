"""Where the values of a figure lie, as shares of the chart's width and height from its top left."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from lrwatch.formats import count, number
from lrwatch.records import FloatArray
from lrwatch_dashboard.figures.axes import even_ticks

__all__ = ["Axis", "Plane", "planes"]

_SLACK: Final = 1e-9  # of the range: a tick at its very end counts as within


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis.

    Attributes
    ----------
    low, high
        Its range; of a logarithmic one the exponents.
    first, last
        Where they lie.
    ticks
        Values and texts.
    grid
        Colour of the lines at the ticks.
    """

    low: float
    high: float
    first: float
    last: float
    is_log: bool
    ticks: tuple[tuple[float, str], ...]
    grid: str

    def places(self, values: FloatArray) -> FloatArray:
        """Return where values lie; NaN for those that the axis does not have."""
        with np.errstate(all="ignore"):
            scaled = np.log10(values) if self.is_log else values
            share = (scaled - self.low) / ((self.high - self.low) or 1.0)
            places = self.first + (self.last - self.first) * share
        return np.where(np.isfinite(places), places, np.nan)

    def place(self, value: float) -> float:
        """Return where a value lies."""
        return float(self.places(np.array([value], dtype=np.float64))[0])

    def seen_ticks(self) -> Iterator[tuple[float, str]]:
        """Return where ticks lie, and their texts."""
        begin, end = sorted((self.first, self.last))
        for value, text in self.ticks:
            place = self.place(value)
            if begin - _SLACK <= place <= end + _SLACK:
                yield place, text


@dataclass(frozen=True, slots=True)
class Plane:
    """Both axes of one panel."""

    x: Axis
    y: Axis

    @property
    def top(self) -> float:
        """Where the panel begins."""
        return self.y.last

    @property
    def bottom(self) -> float:
        """Where the panel ends."""
        return self.y.first


def planes(layout: Mapping[str, Any]) -> dict[str, Plane]:
    """Return the panels of a figure that have something drawn, by the name of their y axis."""
    found = {}
    for name, axis in layout.items():
        if name.startswith("yaxis") and axis.get("visible") is not False:
            low, high = axis.get("domain", (0.0, 1.0))
            y = _axis(axis, axis["range"], (1 - low, 1 - high))
            found[name.replace("axis", "")] = Plane(_x_axis(layout["xaxis"]), y)
    return found


def _axis(axis: Mapping[str, Any], shown: Sequence[float], places: tuple[float, float]) -> Axis:
    ticks = tuple(zip(axis.get("tickvals", ()), axis.get("ticktext", ()), strict=True))
    is_log = axis.get("type") == "log"
    return Axis(shown[0], shown[1], *places, is_log, ticks, axis["gridcolor"])


def _x_axis(axis: Mapping[str, Any]) -> Axis:
    limits = axis.get("autorangeoptions", {"clipmin": 0.0, "clipmax": 1.0})
    shown = axis.get("range") or (limits["clipmin"], limits["clipmax"])
    if "ticktext" not in axis:
        values = axis.get("tickvals") or even_ticks(*shown)
        texts = [count(int(v)) if v == int(v) else number(v) for v in values]
        axis = {**axis, "tickvals": values, "ticktext": texts}
    return _axis(axis, shown, (0.0, 1.0))
