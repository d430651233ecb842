"""Numbers and spans of time as people read them, and the words that names are made of."""

from __future__ import annotations

import math
import re
from typing import Any, Final

__all__ = [
    "NOTHING",
    "as_number",
    "count",
    "counted",
    "duration",
    "number",
    "printable",
    "words_of",
]

NOTHING = "–"
"""What stands where there is no number."""

_PLAIN_EXPONENTS = range(-4, 6)
_MINUTE, _HOUR, _DAY = 60.0, 3600.0, 86400.0
_WORDS: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")


def number(value: float | None, digits: int = 4) -> str:
    """Write a number with so many significant digits, from 0.0001 to a million without exponent.

    Examples
    --------
    >>> number(0.00001), number(3162.27, 2), number(float("nan")), number(None)
    ('1e-5', '3200', 'NaN', '–')
    """
    if value is None:
        return NOTHING
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else f"{value:g}"
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    if int(exponent) in _PLAIN_EXPONENTS:
        return f"{float(f'{mantissa}e{exponent}'):.10f}".rstrip("0").rstrip(".")
    return f"{mantissa.rstrip('0').rstrip('.') if '.' in mantissa else mantissa}e{int(exponent)}"


def as_number(value: Any) -> float | None:
    """Return what a text or a number comes to; ``None`` where it is neither, or a truth value.

    Examples
    --------
    >>> as_number("1e-3"), as_number(2), as_number("fast"), as_number(True)
    (0.001, 2.0, None, None)
    """
    try:
        return None if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        return None


def count(value: int) -> str:
    """Write a whole number with its thousands apart.

    Examples
    --------
    >>> count(1204)
    '1,204'
    """
    return f"{value:,}"


def counted(n: int, what: str) -> str:
    """Write how many there are of something.

    Examples
    --------
    >>> counted(1, "run"), counted(1204, "run")
    ('1 run', '1,204 runs')
    """
    return f"{count(n)} {what}{'' if n == 1 else 's'}"


def duration(seconds: float) -> str:
    """Write a span of time in the one unit that fits.

    Examples
    --------
    >>> duration(0.05), duration(3.2), duration(250), duration(9000), duration(200000)
    ('50 ms', '3 s', '4 min', '2.5 h', '2.3 days')
    """
    seconds = max(seconds, 0.0)
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 2 * _MINUTE:
        return f"{seconds:.0f} s"
    if seconds < 2 * _HOUR:
        return f"{seconds / _MINUTE:.0f} min"
    if seconds < 2 * _DAY:
        return f"{seconds / _HOUR:.2g} h"
    return f"{seconds / _DAY:.2g} days" if seconds < 10 * _DAY else f"{seconds / _DAY:.0f} days"


def printable(text: str) -> str:
    r"""Write a text on one line: what could move a cursor, or is no character, is spelt out.

    Examples
    --------
    >>> printable("a\tb")
    'a\\tb'
    """
    return "".join(
        sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in text
    )


def words_of(name: str) -> list[str]:
    """Return the words and numbers that a name of a program is made of.

    Examples
    --------
    >>> words_of("gpu/memoryBytes"), words_of("lr-AdamW-1")
    (['gpu', 'memory', 'Bytes'], ['lr', 'Adam', 'W', '1'])
    """
    return _WORDS.findall(name)
