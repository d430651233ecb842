"""Colours, the look of each verdict, and sizes that Python and the style sheet share.

A verdict is never told by colour alone: it has a mark (a shape), a word and a colour. The
colours were computed to differ for protan, deutan and tritan sight and to have a contrast of
4.5 or more on their ground; ``assets/lrwatch.css`` holds the same values, and a test compares.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

__all__ = [
    "DARK",
    "DASHES",
    "LIGHT",
    "MARKS",
    "MARK_LABELS",
    "STATES",
    "VARIABLES",
    "VERDICTS",
    "Look",
    "Mark",
    "Palette",
    "line_looks",
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
        One sentence for the help and for screen readers, without its full stop.
    sign
        A second one: how it shows, or what to do.
    """

    mark: Mark
    word: str
    meaning: str
    sign: str = ""


VERDICTS: Final[Mapping[str, Look]] = {
    "diverging": Look(
        "cross",
        "diverging",
        "Steps are too large: progress was lost or never made",
        "The loss climbs, stays where it started, or becomes NaN; try a lower rate",
    ),
    "exploding": Look(
        "cross",
        "exploding",
        "The gradient blew up",
        "Its norm rose a hundredfold before the loss did; clip it, or check the initialization",
    ),
    "oscillating": Look(
        "up",
        "oscillating",
        "Steps overshoot: a lower rate would reach a far lower loss",
        "The loss bounces, so little of each step is kept; try the suggested rate",
    ),
    "too_low": Look(
        "down",
        "too low",
        "It crawls: a higher rate would reach a far lower loss in the same time",
        "The loss falls steadily while the parameters hardly move; try the suggested rate",
    ),
    "stalled": Look(
        "down",
        "stalled",
        "No progress, though far from the floor",
        "The rate was cut too early, or no gradient reaches the parameters",
    ),
    "unreadable": Look(
        "ring",
        "unreadable",
        "The run's files cannot be read",
        "Its page names the file; other runs are not affected",
    ),
    "insufficient_data": Look(
        "ring",
        "not enough data",
        "Too few steps to tell",
        "A verdict follows as more steps arrive",
    ),
    "judging": Look("ring", "judging", "The run is being read", "Its verdict follows in a moment"),
    "spike": Look(
        "disc",
        "spike",
        "A loss spike that recovered",
        "The rate is fine; check the batch at that step",
    ),
    "converged": Look(
        "disc",
        "converged",
        "Flat at its floor",
        "More steps at this rate gain nothing; stop, or decay the rate",
    ),
    "ok": Look("disc", "ok", "Nothing to do", "The loss comes down at a healthy pace"),
}
"""Every verdict, worst first, and two states of the dashboard's own."""


STATES: Final[Mapping[str, str]] = {
    "running": "New steps keep coming",
    "silent": "It calls itself running, but no new step has come for a while",
    "finished": "It ended normally",
    "interrupted": "It was stopped: from the keyboard, or by StopTraining",
    "failed": "It ended with an exception",
    "unreadable": "Its files cannot be read",
}
"""What a run may be doing."""


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


VARIABLES: Final = Palette(
    ground="var(--ground)",
    ink="var(--ink)",
    muted="var(--muted)",
    line="var(--line)",
    marks={mark: f"var(--{mark})" for mark in MARKS},
    hues=tuple(f"var(--hue{i})" for i in range(len(LIGHT.hues))),
    shade=0.1,
)
"""The names that the style sheet has for the colours of both grounds."""


DASHES: Final = ("solid", "dash", "dot", "dashdot")
"""Patterns of lines, in the words of plotly; the style sheet draws the same."""


def line_looks(keys: Sequence[str]) -> dict[str, tuple[int, int]]:
    """Return number of hue and of dash for the line of each run.

    The hue follows from the key alone, so that a run looks the same beside any others; runs
    that share it are told apart by the dash, in the order given.
    """
    n_hues = len(LIGHT.hues)
    looks: dict[str, tuple[int, int]] = {}
    for key in keys:
        first = zlib.crc32(key.encode("utf-8", "surrogatepass")) % n_hues
        free = (
            ((first + shift) % n_hues, dash)
            for shift in range(n_hues)
            for dash in range(len(DASHES))
        )
        taken = set(looks.values())
        looks[key] = next((look for look in free if look not in taken), (first, 0))
    return looks


def palette(theme: str | None) -> Palette:
    """Return the palette of ``"dark"`` or ``"variables"``, and the light one for anything else."""
    return {"dark": DARK, "variables": VARIABLES}.get(theme or "", LIGHT)
