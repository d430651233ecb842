"""How verdicts look in a terminal: a mark, a word and a colour, as on the dashboard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from lrwatch.card import mark_of
from lrwatch.cli.judging import ListedRun
from lrwatch.formats import printable

__all__ = ["GAP", "in_columns", "run_name", "verdict_text", "widths_of"]

GAP: Final = "  "
"""Between two columns."""
_LEAST_NAME: Final = 12
_STYLES: Final = {"✗": "bold red", "▲": "yellow", "▼": "cyan", "●": "green", "○": "dim"}


def verdict_text(run: ListedRun) -> Text:
    """Return a verdict with its mark, in its colour."""
    mark = mark_of(run.verdict)
    return Text(f"{mark} {run.verdict.replace('_', ' ')}", _STYLES[mark], no_wrap=True)


def run_name(run: ListedRun) -> Text:
    """Return a name that can hold neither markup nor control characters.

    The folder is what commands take; what the run is called otherwise comes before it.
    """
    is_renamed = bool(run.labels.name) and run.labels.name != run.run
    return Text(printable(f"{run.labels.name} ({run.run})" if is_renamed else run.run))


def widths_of(rows: Sequence[Sequence[Text]], room: int, *, share: float = 1.0) -> list[int]:
    """Return the width of each column; names, the second one, get a share of what is left."""
    widths = [max(cell_len(cell.plain) for cell in column) for column in zip(*rows, strict=True)]
    if widths:
        left = room - sum(widths) + widths[1] - len(GAP) * (len(widths) - 1)
        widths[1] = min(widths[1], max(int(left * share), _LEAST_NAME))
    return widths


def in_columns(cells: Sequence[Text], widths: Sequence[int], first_number: int) -> Text:
    """Return a row as a line; numbers, from one column on, stand on the right of theirs."""
    aligned = [cell.copy() for cell in cells]
    aligned[1] = _shortened(cells[1], widths[1])
    for i, (cell, width) in enumerate(zip(aligned, widths, strict=True)):
        cell.align("right" if i >= first_number else "left", width)
    line = Text(GAP).join(aligned)
    line.no_wrap = True
    return line


def _shortened(name: Text, width: int) -> Text:
    """Cut a name in its middle, since what tells runs apart stands at both ends."""
    text = name.plain
    if cell_len(text) <= width:
        return name.copy()
    tail = text[-(width // 2) :]
    head = set_cell_size(text, max(width - cell_len(tail) - 1, 0))
    return Text(f"{head}…{tail}", name.style)
