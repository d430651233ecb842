"""Curves drawn with characters: eight dots a character, and one line for a small curve."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from lrwatch.formats import count, number
from lrwatch.records import FloatArray

__all__ = ["curve_lines", "small_curve"]

_BLOCKS: Final = "▁▂▃▄▅▆▇█"
_PLAIN_BLOCKS: Final = "_.-=^*"
_BRAILLE: Final = 0x2800
_DOTS: Final = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Which bit is the dot of a row and a column of a character, the highest row first."""

_WIDE: Final = 10.0
"""A curve that is positive and spans so many times its least value is drawn by its logarithm."""


def small_curve(heights: Sequence[int | None], top: int, *, is_plain: bool = False) -> str:
    """Return a curve on one line, a character a height from 0 to `top`; a blank is a gap.

    Examples
    --------
    >>> small_curve([7, 3, None, 0], 7)
    '█▄ ▁'
    """
    signs = _PLAIN_BLOCKS if is_plain else _BLOCKS
    last = len(signs) - 1
    return "".join(" " if h is None else signs[round(h / top * last)] for h in heights)


def curve_lines(
    steps: FloatArray, values: FloatArray, *, width: int, height: int, is_plain: bool = False
) -> list[str]:
    """Return a curve with its scale, as lines of at most `width` characters.

    Of the values that fall on one column of dots the least and the greatest are joined, so that
    no spike is lost. A value that is not finite is a cross on the upper edge.

    Parameters
    ----------
    steps, values
        The curve, both of shape ``(n,)``; steps rise.
    width, height
        Characters, the scale included.
    is_plain
        Use ASCII only.
    """
    finite = np.isfinite(values)
    if not finite.any():
        return ["no finite value"]
    low, high = float(values[finite].min()), float(values[finite].max())
    gutter = max(len(number(low, 3)), len(number(high, 3)))
    n_columns = max(width - gutter - 2, 4)
    columns = _columns(steps, n_columns * 2)
    dots = _drawn(columns[finite], _shares(values[finite], low, high), n_columns * 2, height * 4)
    signs = _signs(dots, is_plain=is_plain)
    for column in np.unique(columns[~finite] // 2):
        signs[0][int(column)] = "x" if is_plain else "✗"
    labels = [""] * height
    labels[0], labels[-1] = number(high, 3), number(low, 3)
    wall = "|" if is_plain else "┤"
    lines = [
        f"{label:>{gutter}} {wall}{''.join(row)}" for label, row in zip(labels, signs, strict=True)
    ]
    first, last = count(int(steps[0])), count(int(steps[-1]))
    return [
        *(line.rstrip() for line in lines),
        f"{'':{gutter}}  {first}{last:>{n_columns - len(first)}}",
    ]


def _columns(steps: FloatArray, n_columns: int) -> npt.NDArray[np.int64]:
    span = max(float(steps[-1] - steps[0]), 1.0)
    places = np.minimum((steps - steps[0]) / span * n_columns, n_columns - 1)
    return np.asarray(places, dtype=np.int64)


def _shares(values: FloatArray, low: float, high: float) -> FloatArray:
    """Return heights from 0 to 1."""
    if low > 0 and high / low >= _WIDE:
        values, low, high = np.log(values), float(np.log(low)), float(np.log(high))
    if not high > low:
        return np.full(len(values), 0.5)
    # Halved, as the distance of the greatest floats is none.
    return (values / 2 - low / 2) / (high / 2 - low / 2)


def _drawn(
    columns: npt.NDArray[np.int64], shares: FloatArray, width: int, height: int
) -> npt.NDArray[np.bool_]:
    """Return which dots are set, shape ``(height, width)``, the highest row first."""
    dots = np.zeros((height, width), dtype=bool)
    rows = np.round((1 - shares) * (height - 1)).astype(np.int64)
    before: int | None = None
    for column in np.unique(columns):
        own = rows[columns == column]
        first, last = int(own.min()), int(own.max())
        if before is not None and not first <= before <= last:
            # Joined to the column before, as a pen would.
            first, last = min(first, before + 1), max(last, before - 1)
        dots[first : last + 1, int(column)] = True
        before = int(own[-1])
    return dots


def _signs(dots: npt.NDArray[np.bool_], *, is_plain: bool) -> list[list[str]]:
    n_rows, n_columns = dots.shape[0] // 4, dots.shape[1] // 2
    cells = dots.reshape(n_rows, 4, n_columns, 2).transpose(0, 2, 1, 3)
    if is_plain:
        return [["*" if cell.any() else " " for cell in row] for row in cells]
    bits = (cells * np.array(_DOTS)).sum(axis=(2, 3))
    return [[chr(_BRAILLE + int(b)) if b else " " for b in row] for row in bits]
