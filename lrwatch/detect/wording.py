"""Shares and multiples as people read them: three digits, no negative or endless ones."""

from __future__ import annotations

from typing import Final

from lrwatch.formats import number

__all__ = ["little", "sentence", "share", "times"]

LEAST_SHARE: Final = 0.001
MOST: Final = 1000.0


def share(value: float) -> str:
    """Write a share as a percentage; what is below nothing is nothing.

    Examples
    --------
    >>> share(0.1234), share(0.0004), share(-0.2), share(1e9)
    ('12.3%', 'less than 0.1%', 'none', 'over 1,000 times')
    """
    if not value > 0:
        return "none"
    if value < LEAST_SHARE:
        return "less than 0.1%"
    return f"{number(100 * value, 3)}%" if value <= MOST / 100 else times(value)


def little(value: float) -> str:
    """Write a share that is less than one would wish.

    Examples
    --------
    >>> little(0.1234), little(0.0004), little(-0.2)
    ('only 12.3%', 'less than 0.1%', 'none')
    """
    text = share(value)
    return f"only {text}" if value >= LEAST_SHARE else text


def sentence(note: str) -> str:
    """Begin a sentence with the words of a test, as headlines do.

    Examples
    --------
    >>> sentence("the loss is exactly 0")
    'Loss is exactly 0'
    """
    words = note.removeprefix("the ")
    return f"{words[:1].upper()}{words[1:]}"


def times(value: float) -> str:
    """Write a multiple.

    Examples
    --------
    >>> times(2.345), times(0.0312), times(1e16)
    ('2.35 times', '0.0312 times', 'over 1,000 times')
    """
    return f"over {MOST:,.0f} times" if value > MOST else f"{number(value, 3)} times"
