"""The lines and areas of a figure as one SVG that is stretched to the width of the page."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final
from xml.etree.ElementTree import Element

import numpy as np

from lrwatch.records import FloatArray
from lrwatch_dashboard.standalone.plane import Plane

__all__ = ["DASHES", "add_text", "drawing"]

DASHES: Final = {"dash": "8 4", "dot": "2 3", "dashdot": "8 3 2 3"}
"""Patterns of lines, in pixels."""

_UNITS: Final = 1000  # of the SVG, in both directions
_FAR: Final = 2.0  # a point further outside than this is drawn there, to keep numbers small

_Parts = Mapping[str, Any]


def add_text(element: Element, text: str) -> None:
    """Add a text behind what an element holds."""
    if len(element):
        element[-1].tail = (element[-1].tail or "") + text
    else:
        element.text = (element.text or "") + text


def drawing(layout: _Parts, traces: Sequence[_Parts], found: Mapping[str, Plane]) -> Element:
    """Return areas, grid and lines, from the back to the front."""
    svg = _canvas(0, 0, 1, 1)
    svg.set("aria-hidden", "true")
    shapes = [(shape, _plane_of(shape, found)) for shape in layout.get("shapes", ()) if found]
    svg.extend(_area(*shape) for shape in shapes if shape[0]["type"] == "rect")
    for plane in found.values():
        svg.extend(_grid(plane))
    svg.extend(_line(*shape) for shape in shapes if shape[0]["type"] == "line")
    for name, plane in found.items():
        panel = _canvas(0, plane.top, 1, plane.bottom - plane.top)  # cuts off at its frame
        mine = [trace for trace in traces if trace.get("yaxis", "y") == name]
        panel.extend(_curve(trace, plane) for trace in mine if "lines" in trace["mode"])
        svg.append(panel)
    return svg


def _canvas(x: float, y: float, width: float, height: float) -> Element:
    place = _numbers(x=x, y=y, width=width, height=height)
    box = " ".join(place.values())
    return Element("svg", {**place, "viewBox": box, "preserveAspectRatio": "none"})


def _numbers(**shares: float) -> dict[str, str]:
    return {name: _units(share) for name, share in shares.items()}


def _units(share: float) -> str:
    return f"{_UNITS * share:.1f}".removesuffix(".0")


def _grid(plane: Plane) -> Iterator[Element]:
    for y, _ in plane.y.seen_ticks():
        yield Element("line", {**_numbers(x1=0, y1=y, x2=1, y2=y), "stroke": plane.y.grid})
    for x, _ in plane.x.seen_ticks():
        ends = _numbers(x1=x, y1=plane.top, x2=x, y2=plane.bottom)
        yield Element("line", {**ends, "stroke": plane.x.grid})


def _curve(trace: _Parts, plane: Plane) -> Element:
    line = trace["line"]
    xs = plane.x.places(np.asarray(trace["x"], dtype=np.float64))
    ys = plane.y.places(np.asarray(trace["y"], dtype=np.float64))
    style = {"d": _path(xs, ys, is_stepped=line.get("shape") == "hv")}
    if "fill" in trace:
        style |= {"fill": trace["fillcolor"], "stroke": "none"}
    else:
        style |= {"fill": "none", "stroke": line["color"], "stroke-width": f"{line['width']:g}"}
    if line.get("dash") in DASHES:
        style["stroke-dasharray"] = DASHES[line["dash"]]
    if "opacity" in trace:
        style["opacity"] = f"{trace['opacity']:g}"
    return Element("path", style)


def _path(xs: FloatArray, ys: FloatArray, *, is_stepped: bool) -> str:
    """Return the path through points; what is not finite is a gap."""
    points = np.clip(np.column_stack([xs, ys]), -_FAR, 1 + _FAR)
    parts: list[str] = []
    is_open = False
    for x, y in points.tolist():
        if math.isnan(x) or math.isnan(y):
            is_open = False
        elif not is_open:
            parts.append(f"M{_units(x)} {_units(y)}")
            is_open = True
        else:
            parts.append(f"H{_units(x)}V{_units(y)}" if is_stepped else f"L{_units(x)} {_units(y)}")
    return "".join(parts)


def _plane_of(shape: _Parts, found: Mapping[str, Plane]) -> Plane:
    return found.get(shape.get("yref", "paper").partition(" ")[0]) or next(iter(found.values()))


def _corners(shape: _Parts, plane: Plane) -> tuple[tuple[float, float], tuple[float, float]]:
    """Return where a shape begins and ends; it speaks of values, of its panel, or of all."""
    reference = shape.get("yref", "paper")
    xs, ys = (shape["x0"], shape["x1"]), (shape["y0"], shape["y1"])
    if shape.get("xref", "x") != "paper":
        xs = plane.x.place(xs[0]), plane.x.place(xs[1])
    if reference == "paper":
        return xs, (1 - ys[0], 1 - ys[1])
    if reference.endswith(" domain"):
        height = plane.top - plane.bottom
        return xs, (plane.bottom + height * ys[0], plane.bottom + height * ys[1])
    return xs, (plane.y.place(ys[0]), plane.y.place(ys[1]))


def _line(shape: _Parts, plane: Plane) -> Element:
    xs, ys = _corners(shape, plane)
    line = shape["line"]
    style = {"stroke": line["color"], "stroke-width": f"{line.get('width', 1):g}"}
    if line.get("dash") in DASHES:
        style["stroke-dasharray"] = DASHES[line["dash"]]
    return Element("line", _numbers(x1=xs[0], y1=ys[0], x2=xs[1], y2=ys[1]) | style)


def _area(shape: _Parts, plane: Plane) -> Element:
    xs, ys = (np.clip(ends, 0, 1).tolist() for ends in _corners(shape, plane))
    place = _numbers(x=min(xs), y=min(ys), width=abs(xs[1] - xs[0]), height=abs(ys[1] - ys[0]))
    return Element(
        "rect", {**place, "fill": shape["fillcolor"], "opacity": f"{shape['opacity']:g}"}
    )
