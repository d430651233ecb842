"""A figure as HTML and SVG that fit any width, without a script.

It draws what the figures of this dashboard are made of: lines, areas and marks on straight or
logarithmic axes, lines and rectangles behind them, texts and legends. Anything else is refused,
so that no report lacks what its page shows. Lines lie in an SVG that is stretched to the width;
texts and marks are placed over it, so that they are not.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from html import unescape
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement

import numpy as np
import plotly.graph_objects as go

from lrwatch_dashboard.standalone.drawing import DASHES, add_text, drawing
from lrwatch_dashboard.standalone.plane import Plane, planes

__all__ = ["chart"]

_Parts = Mapping[str, Any]

_MARKS: Final = {
    "x": "cross",
    "x-thin-open": "thin-cross",
    "triangle-up": "up",
    "triangle-down": "down",
    "circle-open-dot": "ring",
    "circle": "disc",
    "diamond": "diamond",
}

_TAG: Final = re.compile(r"<(/?)(\w+)[^>]*>")
_KEPT: Final = frozenset({"b", "i", "sup", "sub", "span"})
_NOT_DRAWN: Final = ("selections", "sliders", "updatemenus")


def chart(figure: go.Figure) -> Element:
    """Return a figure as an element; its colours may be variables of the style sheet.

    Raises
    ------
    ValueError
        If something in the figure would be missing from the element.
    """
    layout = figure.layout.to_plotly_json()
    traces = [trace.to_plotly_json() for trace in figure.data]
    _refuse_unknown(layout, traces)
    found = planes(layout)
    # One picture to those who do not see it: its texts make no sense one after the other.
    spoken = {"role": "img", "aria-label": _spoken(layout)}
    height = f"height:{layout['height']}px"
    frame = Element("div", {"class": "still", "style": height, **spoken})
    margin = layout["margin"]
    edges = {"left": "l", "right": "r", "top": "t", "bottom": "b"}
    place = ";".join(f"{edge}:{margin[letter]}px" for edge, letter in edges.items())
    inner = SubElement(frame, "div", {"class": "still-plot", "style": place})
    inner.append(drawing(layout, traces, found))
    for plane in found.values():
        for share, text in plane.y.seen_ticks():
            inner.append(_text(text, "still-y", top=share))
    x_axis = next(iter(found.values())).x if found else None
    ends = [1.0, *([found["y"].bottom] if "xaxis2" in layout else [])]
    for share, text in x_axis.seen_ticks() if x_axis else ():
        inner.extend(_text(text, "still-x", left=share, top=end) for end in ends)
    inner.extend(_images(layout, found))
    for trace in traces:
        if "markers" in trace["mode"]:
            inner.extend(_marks(trace, found[trace.get("yaxis", "y")]))
    inner.extend(_texts(layout, found))
    inner.extend(_legends(layout, traces))
    return frame


def _refuse_unknown(layout: _Parts, traces: list[dict[str, Any]]) -> None:
    for trace in traces:
        line = trace.get("line", {})
        _refuse_others("trace", [trace["type"]], ["scatter"])
        _refuse_others("mode", trace["mode"].split("+"), ["lines", "markers"])
        _refuse_others("fill", [trace.get("fill", "toself")], ["toself"])
        _refuse_others("line shape", [line.get("shape", "linear")], ["linear", "hv"])
        _refuse_others("dash", [line.get("dash", "solid")], ["solid", *DASHES])
        _refuse_others("mark", [trace.get("marker", {}).get("symbol", "circle")], _MARKS)
    _refuse_others("shape", [shape["type"] for shape in layout.get("shapes", ())], ["line", "rect"])
    _refuse_others("part", [part for part in _NOT_DRAWN if layout.get(part)], [])


def _refuse_others(what: str, given: Iterable[str], known: Collection[str]) -> None:
    for word in given:
        if word not in known:
            kinds = f"it draws {', '.join(known)}" if known else "leave it out"
            raise ValueError(f"a report cannot draw the {what} {word!r} of a figure; {kinds}")


def _rich(text: str) -> Element:
    """Return a text of a figure, which is a kind of HTML, as an element that can do no harm."""
    inner = [Element("span")]
    place = 0
    for tag in (*_TAG.finditer(text), None):
        add_text(inner[-1], unescape(text[place : tag.start() if tag else None]))
        if tag is None:
            break
        is_end, name = tag.groups()
        place = tag.end()
        if name == "br":
            SubElement(inner[-1], name)
        elif name in _KEPT and not is_end:
            # The only spans are those that step back behind the text around them.
            inner.append(SubElement(inner[-1], name, {"class": "quiet"} if name == "span" else {}))
        elif name in _KEPT and len(inner) > 1:
            inner.pop()
    return inner[0]


def _spoken(layout: _Parts) -> str:
    """Return what the chart shows: the headings of its panels, else what stands at its axes."""
    texts = [note["text"] for note in layout.get("annotations", ())]
    titles = [layout[name].get("title", {}).get("text") for name in ("yaxis", "xaxis")]
    shown = texts or [" against ".join(title for title in titles if title)]
    return "; ".join("".join(_rich(text).itertext()) for text in shown)


def _text(text: str, look: str, **shares: float) -> Element:
    element = Element("span", {"class": look, "style": _placed(**shares)})
    element.append(_rich(text))
    return element


def _placed(**shares: float) -> str:
    return ";".join(f"{edge}:{100 * share:.2f}%" for edge, share in shares.items())


def _marks(trace: _Parts, plane: Plane) -> Iterator[Element]:
    xs = plane.x.places(np.asarray(trace["x"], dtype=np.float64))
    ys = plane.y.places(np.asarray(trace["y"], dtype=np.float64))
    marker = trace["marker"]
    shape = _MARKS[marker.get("symbol", "circle")]
    # The marks of verdicts have one size, as everywhere; points have their own.
    size = f";width:{marker['size']}px;height:{marker['size']}px" if shape == "disc" else ""
    names = trace.get("text") or [""] * len(xs)
    given = marker["color"]
    colours = [given] * len(xs) if isinstance(given, str) else given
    for x, y, name, colour in zip(xs.tolist(), ys.tolist(), names, colours, strict=True):
        if 0 <= x <= 1 and plane.top <= y <= plane.bottom:
            style = f"{_placed(left=x, top=y)};--mark:{colour}{size}"
            mark = Element("span", {"class": f"still-mark mark mark-{shape}", "style": style})
            if name:
                mark.set("title", "".join(_rich(name.replace("<br>", "; ")).itertext()))
            yield mark


def _images(layout: _Parts, found: Mapping[str, Plane]) -> Iterator[Element]:
    """Return the pictures, each stretched over the values that it stands for."""
    for image in layout.get("images", ()):
        plane = found[image["yref"]]
        left, right = (plane.x.place(image["x"] + share * image["sizex"]) for share in (0, 1))
        top, bottom = (plane.y.place(image["y"] - share * image["sizey"]) for share in (0, 1))
        place = _placed(left=left, top=top, width=right - left, height=bottom - top)
        yield Element(
            "img", {"src": image["source"], "alt": "", "class": "still-image", "style": place}
        )


def _texts(layout: _Parts, found: Mapping[str, Plane]) -> Iterator[Element]:
    """Return the titles of axes and the annotations."""
    for name, look in (("xaxis", "still-x-title"), ("yaxis", "still-y-title")):
        title = layout.get(name, {}).get("title", {}).get("text")
        if title and layout[name].get("visible") is not False:
            yield _text(title, look)
    for note in layout.get("annotations", ()):
        x, y = note["x"], 1 - note["y"]
        if note.get("xref", "x") != "paper":
            x = next(iter(found.values())).x.place(x) if found else 0.0
        is_right = note.get("xanchor") == "right"
        place = {"top": y, **({"right": 1 - x} if is_right else {"left": x})}
        below = note.get("yanchor") == "top"
        text = _text(note["text"], "still-note-below" if below else "still-note-above", **place)
        paint = {"color": note.get("font", {}).get("color"), "background": note.get("bgcolor")}
        style = [text.get("style", ""), f"margin-top:{-note.get('yshift', 0)}px"]
        style += [f"{name}:{colour}" for name, colour in paint.items() if colour]
        text.set("style", ";".join(style))
        yield text


def _legends(layout: _Parts, traces: list[dict[str, Any]]) -> Iterator[Element]:
    for name, legend in layout.items():
        if not name.startswith("legend"):
            continue
        mine = [
            trace
            for trace in traces
            if trace.get("showlegend", True) and trace.get("legend", "legend") == name
        ]
        look = "still-legend still-names" if legend["yanchor"] == "top" else "still-legend"
        place = _placed(top=1 - legend["y"])
        if legend.get("yref") == "container":  # above the chart, and not of it
            place = f"top:{-layout['margin']['t']}px"
        box = Element("div", {"class": look, "style": place})
        for trace in mine:
            entry = SubElement(box, "span")
            entry.append(_key(trace))
            entry.append(_rich(trace["name"]))
        yield box


def _key(trace: _Parts) -> Element:
    if trace["mode"] == "markers":
        shape = _MARKS[trace["marker"].get("symbol", "circle")]
        style = f"--mark:{trace['marker']['color']}"
        return Element("span", {"class": f"mark mark-{shape}", "style": style})
    line = trace["line"]
    look = f"swatch dash-{line.get('dash', 'solid')}"
    return Element("span", {"class": look, "style": f"--hue:{line['color']}"})
