"""A verdict as a small card of HTML, for notebooks: it needs no script, and suits any ground.

Text has the colour that the notebook gives it, and so has the line of the loss; only the badge
brings a ground of its own, on which white can be read.
"""

from __future__ import annotations

import html
from collections.abc import Mapping, Sequence
from typing import Final

from lrwatch.formats import number, printable

__all__ = ["card", "mark_of", "sparkline"]

_MARKS: Final[Mapping[str, str]] = {
    "diverging": "✗",
    "exploding": "✗",
    "oscillating": "▲",
    "too_low": "▼",
    "stalled": "▼",
    "spike": "●",
    "converged": "●",
    "ok": "●",
}
_NO_OPINION: Final = "○"
_GROUNDS: Final = {"✗": "#B3261E", "▲": "#B45F06", "▼": "#0B62A8", "●": "#1B7F4B", "○": "#5B6470"}

_CARD: Final = (
    "font:14px/1.5 system-ui,sans-serif;color:inherit;max-width:46em;padding:10px 14px;"
    "border:1px solid rgba(128,128,128,.4);border-radius:8px;text-align:left"
)
_HEAD: Final = "display:flex;flex-wrap:wrap;gap:6px 10px;align-items:center"
_BADGE: Final = "padding:1px 9px;border-radius:999px;color:#fff;font-weight:600;white-space:nowrap"
_FACTS: Final = "opacity:.8;font-size:13px"

_WIDTH, _HEIGHT, _EDGE = 160, 28, 2


def mark_of(verdict: str) -> str:
    """Return the sign of a verdict, wherever it is shown."""
    return _MARKS.get(verdict, _NO_OPINION)


def card(  # noqa: PLR0913  what a card shows, by keyword
    verdict: str,
    reason: str,
    *,
    title: str = "",
    advice: str = "",
    suggested_lr: float | None = None,
    facts: Sequence[str] = (),
    picture: str = "",
) -> str:
    """Return the card of a verdict.

    Parameters
    ----------
    verdict
        A word of `lrwatch.verdicts.Verdict`.
    reason, advice
        A sentence each; the second one may be empty.
    title
        Name of a run.
    suggested_lr
        Rate to try next, where there is one.
    facts
        Short texts for the last line.
    picture
        HTML that stands beside the title, as `sparkline` returns it.

    Returns
    -------
    str
        HTML in which every text is escaped.
    """
    mark = mark_of(verdict)
    word = verdict.replace("_", " ")
    head = [
        f'<span style="{_BADGE};background:{_GROUNDS[mark]}">'
        f'<span aria-hidden="true">{mark}</span> {_escaped(word)}</span>'
    ]
    if title:
        head.append(f'<strong style="overflow-wrap:anywhere">{_escaped(title)}</strong>')
    head.append(picture)
    lines = [f'<div style="margin-top:6px">{_escaped(reason)}</div>']
    if advice:
        lines.append(f"<div>{_escaped(advice)}</div>")
    if suggested_lr is not None:
        facts = [f"rate to try: {number(suggested_lr, 2)}", *facts]
    if facts:
        lines.append(f'<div style="{_FACTS}">{_escaped(" · ".join(facts))}</div>')
    return f'<div style="{_CARD}"><div style="{_HEAD}">{"".join(head)}</div>{"".join(lines)}</div>'


def sparkline(values: Sequence[float], label: str) -> str:
    """Draw a few numbers as a line, in the colour of the text; empty without two of them.

    Parameters
    ----------
    values
        Finite numbers.
    label
        What they are, for those who do not see the line.

    Examples
    --------
    >>> sparkline([1.0], "loss")
    ''
    >>> "160.0,26.0" in sparkline([3.0, 2.0, 1.0], "loss")
    True
    """
    if len(values) < 2:  # noqa: PLR2004
        return ""
    low, high = min(values) / 2, max(values) / 2  # halves, as the largest ones lie far apart
    span, top = high - low or 1.0, _HEIGHT - 2 * _EDGE
    points = " ".join(
        f"{x * _WIDTH / (len(values) - 1):.1f},{_HEIGHT - _EDGE - (y / 2 - low) / span * top:.1f}"
        for x, y in enumerate(values)
    )
    return (
        f'<svg role="img" aria-label="{_escaped(label)}" width="{_WIDTH}" height="{_HEIGHT}" '
        f'viewBox="0 0 {_WIDTH} {_HEIGHT}" style="overflow:visible;margin-left:auto">'
        f'<polyline points="{points}" fill="none" stroke="currentColor" stroke-width="1.5" '
        'stroke-linejoin="round"/></svg>'
    )


def _escaped(text: str) -> str:
    return html.escape(printable(text))
