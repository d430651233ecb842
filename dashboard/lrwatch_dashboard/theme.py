"""Colours, the look of each verdict, and sizes that Python and the style sheet share.

A verdict is never told by colour alone: it has a mark (a shape), a word and a colour. The
colours were computed to differ for protan, deutan and tritan sight and to have a contrast of
4.5 or more on their ground; ``assets/lrwatch.css`` holds the same values, and a test compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

__all__ = [
    "DARK",
    "LIGHT",
    "MARKS",
    "MARK_LABELS",
    "VERDICTS",
    "Look",
    "Mark",
    "Palette",
    "look",
    "palette",
]

Mark = Literal["cross", "up", "down", "ring", "disc"]

MARKS: Final[tuple[Mark, ...]] = ("cross", "up", "down", "ring", "disc")
"""The marks, worst first: the order of triage and of the filter buttons."""

MARK_LABELS: Final[Mapping[Mark, str]] = {
    "cross": "diverging",
    "up": "too high",
    "down": "too low",
    "ring": "cannot tell",
    "disc": "healthy",
}


@dataclass(frozen=True, slots=True)
class Look:
    """How a verdict is shown.

    Attributes
    ----------
    mark
        Its shape, which also gives its colour.
    word
        What people read.
    meaning
        One sentence for the help and for screen readers.
    """

    mark: Mark
    word: str
    meaning: str


VERDICTS: Final[Mapping[str, Look]] = {
    "diverging": Look("cross", "diverging", "Steps are too large: progress was lost or never made"),
    "exploding": Look("cross", "exploding", "The gradient blew up"),
    "oscillating": Look("up", "oscillating", "Steps overshoot: a lower rate would end far lower"),
    "too_low": Look("down", "too low", "It crawls: a higher rate would get far lower in time"),
    "stalled": Look("down", "stalled", "No progress, although far from the floor"),
    "unreadable": Look("ring", "unreadable", "The files of the run cannot be read"),
    "insufficient_data": Look("ring", "not enough data", "Too few steps to say anything"),
    "judging": Look("ring", "judging", "The run is being read"),
    "spike": Look("disc", "spike", "A loss spike that recovered"),
    "converged": Look("disc", "converged", "Flat at its floor"),
    "ok": Look("disc", "ok", "Nothing to do"),
}
"""Every verdict, worst first, and two states of the dashboard's own."""


def look(verdict: str) -> Look:
    """Return how a verdict is shown; one that a newer lrwatch gave is shown as it is."""
    return VERDICTS.get(verdict) or Look("ring", verdict.replace("_", " "), "")


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of the charts on one ground.

    Attributes
    ----------
    ground, ink, muted, line
        Background, text, secondary text, grid lines.
    marks
        Colour of each mark.
    hues
        Colours of lines, in order.
    shade
        Opacity of a mark's colour over flagged steps.
    """

    ground: str
    ink: str
    muted: str
    line: str
    marks: Mapping[Mark, str]
    hues: tuple[str, ...]
    shade: float


LIGHT: Final = Palette(
    ground="#FFFFFF",
    ink="#1A1E24",
    muted="#5B6470",
    line="#E6E8EC",
    marks={
        "cross": "#B3261E",
        "up": "#B45F06",
        "down": "#0B62A8",
        "ring": "#6B7280",
        "disc": "#1B7F4B",
    },
    hues=("#0072B2", "#D55E00", "#009E73", "#B8558F", "#3B3F46"),
    shade=0.08,
)

DARK: Final = Palette(
    ground="#12161C",
    ink="#E6E9EE",
    muted="#A3ACBA",
    line="#262D37",
    marks={
        "cross": "#FF8A80",
        "up": "#FFB74D",
        "down": "#7CC4FF",
        "ring": "#A3ACBA",
        "disc": "#66D9A0",
    },
    hues=("#4DA3E0", "#FF7F2A", "#00B388", "#E58FC0", "#F2B21B"),
    shade=0.1,
)


def palette(theme: str | None) -> Palette:
    """Return the palette of ``"dark"``, and the light one for anything else."""
    return DARK if theme == "dark" else LIGHT
