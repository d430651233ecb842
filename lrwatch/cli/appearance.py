"""How verdicts look in a terminal: a mark, a word and a colour, as on the dashboard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from lrwatch.cli.judging import ListedRun
from lrwatch.formats import printable

__all__ = ["run_name", "shortened", "verdict_text"]

_MARKS: Final[Mapping[str, tuple[str, str]]] = {
    "diverging": ("✗", "bold red"),
    "exploding": ("✗", "bold red"),
    "oscillating": ("▲", "yellow"),
    "too_low": ("▼", "cyan"),
    "stalled": ("▼", "cyan"),
    "spike": ("●", "green"),
    "converged": ("●", "green"),
    "ok": ("●", "green"),
}
_NO_OPINION: Final = ("○", "dim")


def verdict_text(run: ListedRun) -> Text:
    """Return a verdict with its mark, in its colour."""
    mark, style = _MARKS.get(run.verdict, _NO_OPINION)
    return Text(f"{mark} {run.verdict.replace('_', ' ')}", style, no_wrap=True)


def run_name(run: ListedRun) -> Text:
    """Return a name that can hold neither markup nor control characters.

    The folder is what commands take; what the run is called otherwise comes before it.
    """
    is_renamed = bool(run.labels.name) and run.labels.name != run.run
    return Text(printable(f"{run.labels.name} ({run.run})" if is_renamed else run.run))


def shortened(name: Text, width: int) -> Text:
    """Cut a name in its middle, since what tells runs apart stands at both ends."""
    text = name.plain
    if cell_len(text) <= width:
        return name.copy()
    tail = text[-(width // 2) :]
    head = set_cell_size(text, max(width - cell_len(tail) - 1, 0))
    return Text(f"{head}…{tail}", name.style)
