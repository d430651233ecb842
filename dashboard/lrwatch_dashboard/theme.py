"""Colours, the look of each verdict, and sizes that Python and the style sheet share.

A verdict is never told by colour alone: it has a mark (a shape), a word and a colour. The
colours were computed to differ for protan, deutan and tritan sight and to have a contrast of
4.5 or more on their ground; ``assets/lrwatch.css`` holds the same values, and a test compares.
"""

from __future__ import annotations

import math
import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

__all__ = [
    "DARK",
    "DASHES",
    "JUDGING",
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

JUDGING: Final = "judging"
"""In place of the verdict of a run that is still being read; no mark counts it."""

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
        "Too little to tell",
        "Too few steps so far, or a loss that does not show whether the rate is right",
    ),
    JUDGING: Look("ring", "judging", "The run is being read", "Its verdict follows in a moment"),
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
    scale
        Colours of more lines than there are hues, from the least learning rate to the greatest.
    shade
        Opacity of a mark's colour over flagged steps.
    """

    ground: str
    ink: str
    muted: str
    line: str
    marks: Mapping[Mark, str]
    hues: tuple[str, ...]
    scale: tuple[str, ...]
    shade: float

    def line_colour(self, number: int) -> str:
        """Return the colour of the number that `line_looks` gives: a hue, or one of the scale."""
        return (*self.hues, *self.scale)[number]


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
    hues=(
        *("#0072B2", "#D55E00", "#009E73", "#B8558F", "#3B3F46"),
        *("#6D4FC4", "#8A6D00", "#0B7285"),
    ),
    scale=(
        *("#1F4E9E", "#3A5FB5", "#5A6DC0", "#7C6FBF", "#9A6AB0"),
        *("#B3609A", "#C2547D", "#C9485A", "#C93C33"),
    ),
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
    hues=(
        *("#4DA3E0", "#FF7F2A", "#00B388", "#E58FC0", "#F2B21B"),
        *("#B59CFF", "#C9D15A", "#8BD3E6"),
    ),
    scale=(
        *("#6FA8FF", "#8AA6FF", "#A3A3FF", "#BB9FF5", "#D19AE3"),
        *("#E394CC", "#F08FB0", "#F88C90", "#FF8A70"),
    ),
    shade=0.1,
)


VARIABLES: Final = Palette(
    ground="var(--ground)",
    ink="var(--ink)",
    muted="var(--muted)",
    line="var(--line)",
    marks={mark: f"var(--{mark})" for mark in MARKS},
    hues=tuple(f"var(--hue{i})" for i in range(len(LIGHT.hues))),
    scale=tuple(f"var(--scale{i})" for i in range(len(LIGHT.scale))),
    shade=0.1,
)
"""The names that the style sheet has for the colours of both grounds."""


_SOLID_HUES: Final = 5  # further hues are dashed, for those who do not tell them apart
DASHES: Final = ("solid", "dash", "dot", "dashdot")
"""Patterns of lines, in the words of plotly; the style sheet draws the same."""


def line_looks(keys: Sequence[str], rates: Mapping[str, float]) -> dict[str, tuple[int, int]]:
    """Return number of colour and of dash for the line of each run.

    As long as there are hues each run has one of its own, which follows from its key, so that it
    mostly looks the same beside any others. More runs are told apart by their rates, on one scale
    of colours from the least to the greatest, and by the dash.
    """
    n_hues = len(LIGHT.hues)
    looks: dict[str, tuple[int, int]] = {}
    if len(keys) > n_hues:
        places = _on_scale([rates.get(key, math.nan) for key in keys])
        shared: Counter[int] = Counter()
        for key, place in zip(keys, places, strict=True):
            looks[key] = (n_hues + place, shared[place] % len(DASHES))
            shared[place] += 1
        return looks
    for key in keys:
        first = zlib.crc32(key.encode("utf-8", "surrogatepass")) % n_hues
        taken = {hue for hue, _ in looks.values()}
        free = ((first + shift) % n_hues for shift in range(n_hues))
        hue = next(hue for hue in free if hue not in taken)
        looks[key] = (hue, int(hue >= _SOLID_HUES))
    return looks


def _on_scale(rates: Sequence[float]) -> list[int]:
    """Return the place of each rate on the scale of colours; the middle where it is not known."""
    last = len(LIGHT.scale) - 1
    logs = [math.log(rate) if 0 < rate < math.inf else math.nan for rate in rates]
    known = [log for log in logs if not math.isnan(log)]
    low, high = (min(known), max(known)) if known else (0.0, 0.0)
    if not high > low:
        return [last // 2] * len(logs)
    shares = [0.5 if math.isnan(log) else (log - low) / (high - low) for log in logs]
    return [round(share * last) for share in shares]


def palette(theme: str | None) -> Palette:
    """Return the palette of ``"dark"`` or ``"variables"``, and the light one for anything else."""
    return {"dark": DARK, "variables": VARIABLES}.get(theme or "", LIGHT)
