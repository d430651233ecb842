"""Which parts of a run at an address become one, so that a long run has few objects.

Each merge sends rows again, so parts wait for sixteen of their size: a row goes up once, and
once more for each tier that it rises.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

__all__ = ["LARGEST", "Span", "chunks", "due_for_merging"]

_FAN: Final = 16
_TIERS: Final = (16_384, 262_144)  # rows from which a part is of the next tier

LARGEST: Final = 1_048_576
"""Rows of a part that is never merged with others: more would be a long upload on a slow link."""


class Span(NamedTuple):
    """Rows `first` up to, not including, `stop`."""

    first: int
    stop: int

    @property
    def n_rows(self) -> int:
        """How many."""
        return self.stop - self.first


def due_for_merging(parts: Sequence[Span]) -> list[Span]:
    """Return the parts, the last ones, that are to become one now; none if it is not time.

    Examples
    --------
    >>> due_for_merging([Span(i, i + 1) for i in range(16)])[-1]
    Span(first=15, stop=16)
    >>> due_for_merging([Span(0, 20_000), *(Span(20_000 + i, 20_001 + i) for i in range(15))])
    []
    """
    for tier in range(len(_TIERS) + 1):
        tail = _tail(parts, tier)
        if sum(_tier(part) == tier for part in tail) >= _FAN and _rows(tail) <= LARGEST:
            return tail
    return []


def chunks(parts: Sequence[Span]) -> Iterator[list[Span]]:
    """Yield groups of parts that become one when a run has ended: as few as may be."""
    group: list[Span] = []
    for part in parts:
        if group and (group[-1].stop != part.first or part.stop - group[0].first > LARGEST):
            yield group
            group = []
        group.append(part)
    if group:
        yield group


def _tail(parts: Sequence[Span], tier: int) -> list[Span]:
    """Return the last parts that follow each other and are of a tier, or a lower one."""
    tail: list[Span] = []
    for part in reversed(parts):
        if _tier(part) > tier or (tail and part.stop != tail[0].first):
            break
        tail.insert(0, part)
    return tail


def _tier(part: Span) -> int:
    return sum(part.n_rows >= rows for rows in _TIERS)


def _rows(parts: Sequence[Span]) -> int:
    return parts[-1].stop - parts[0].first if parts else 0
