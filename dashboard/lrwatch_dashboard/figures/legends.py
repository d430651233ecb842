"""Where the names of lines stand: beside the title of their panel, or in rows below it.

The server does not know how wide the reader's screen is. What does not fit beside the title on the
narrowest one gets rows of its own, as many as it needs there; wider screens need fewer.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Final

from lrwatch_dashboard.figures.panel import Panel

__all__ = ["LETTER_PX", "legend", "legend_px", "names_px"]

LETTER_PX: Final = 7
_SIGN_PX: Final = 42  # of a piece of line, and the room around it
_ROW_PX: Final = 19
_MARKUP: Final = re.compile(r"<[^>]*>|&[a-z]+(?=;)")


def legend_px(panel: Panel, width: int) -> int:
    """Return the height of the rows below the title; 0 where names fit beside it.

    The width is that of the panel on a narrow screen; both are in pixels.
    """
    names = [trace["name"] for trace in panel.traces if trace["name"] not in panel.unnamed]
    if not panel.legend or not names:
        return 0
    together = sum(_SIGN_PX + _width(name) for name in names)
    is_beside = _width(f"{panel.title}  {panel.note}") + together <= width
    return 0 if is_beside else names_px(names, width)


def names_px(names: Sequence[str], width: int) -> int:
    """Return the height of rows of names within a width, in pixels."""
    entries = [_SIGN_PX + _width(name) for name in names]
    if not entries or sum(entries) <= width:
        return _ROW_PX
    # What needs several rows is set in columns of one width.
    n_columns = max(width // max(entries), 1)
    return _ROW_PX * math.ceil(len(entries) / n_columns)


def legend(y: float, *, is_below: bool = False) -> dict[str, Any]:
    """Return a legend that ends at a height on the right, or begins there on the left."""
    place = ("left", "top") if is_below else ("right", "bottom")
    return {
        "orientation": "h",
        "x": 0 if is_below else 1,
        "xanchor": place[0],
        "y": y,
        "yanchor": place[1],
        "bgcolor": "rgba(0,0,0,0)",
        "font": {"size": 12},
        # The next update would bring a hidden line back.
        "itemclick": False,
        "itemdoubleclick": False,
    }


def _width(text: str) -> int:
    return LETTER_PX * len(_MARKUP.sub("", text))
