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
        "The loss climbs, stays at its start or is no number any more; try a lower rate",
    ),
    "exploding": Look(
        "cross",
        "exploding",
        "The gradient blew up",
        "Its norm rose a hundredfold before the loss did; clip it, or look at the initialisation",
    ),
    "oscillating": Look(
        "up",
        "oscillating",
        "Steps overshoot: a lower rate would end far lower",
        "The loss bounces and little of each step is kept; try the rate that is suggested",
    ),
    "too_low": Look(
        "down",
        "too low",
        "It crawls: a higher rate would get far lower in time",
        "The loss falls steadily and the parameters hardly move; try the rate that is suggested",
    ),
    "stalled": Look(
        "down",
        "stalled",
        "No progress, although far from the floor",
        "The rate was cut too early, or no gradient reaches the parameters",
    ),
    "unreadable": Look(
        "ring",
        "unreadable",
        "The files of the run cannot be read",
        "The run's page names the file; the other runs go on",
    ),
    "insufficient_data": Look(
        "ring",
        "not enough data",
        "Too few steps to say anything",
        "The verdict comes by itself while the run goes on",
    ),
    "judging": Look(
        "ring", "judging", "The run is being read", "Its verdict follows within moments"
    ),
    "spike": Look(
        "disc",
        "spike",
        "A loss spike that recovered",
        "The rate is no cause for worry; look at the batch of that step",
    ),
    "converged": Look(
        "disc",
        "converged",
        "Flat at its floor",
        "Further steps gain nothing at this rate; stop, or decay it",
    ),
    "ok": Look("disc", "ok", "Nothing to do", "The loss comes down with steps of a good size"),
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
