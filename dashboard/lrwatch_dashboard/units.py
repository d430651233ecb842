"""How large a metric's numbers are, by what its name tells, in words that people read."""

from __future__ import annotations

import dataclasses
import re
from dataclasses import dataclass
from typing import Final

import numpy as np

from lrwatch.formats import number, words_of
from lrwatch.records import FloatArray
from lrwatch_dashboard.views import Curve

__all__ = ["Unit", "in_unit", "unit_of", "with_unit"]

_OF_MACHINE: Final = re.compile(r"system/\w*memory(_used)?")  # in bytes, as the recorder has them
_LARGE: Final = 1e6  # from here on a number would be written with an exponent


@dataclass(frozen=True, slots=True)
class Unit:
    """What values are divided by, and what stands after one."""

    size: float = 1.0
    sign: str = ""


_PLAIN: Final = Unit()
_BYTES: Final = tuple(
    Unit(2.0 ** (10 * n), f" {sign}")
    for n, sign in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB"))
)
_FEW_BYTES: Final = Unit(sign=" B")
_COUNTS: Final = (Unit(1e12, " T"), Unit(1e9, " B"), Unit(1e6, " M"))
_PERCENT: Final = Unit(sign=" %")
_LARGEST: Final = 1e16  # what is larger counts nothing, and is written as a power of ten


def unit_of(metric: str, values: FloatArray) -> Unit:
    """Return the unit in which values of a metric, of any shape, are read best.

    Examples
    --------
    >>> unit_of("gpu/memory_bytes", np.array([2.1e10])).sign, unit_of("loss", np.array([0.1])).sign
    (' GiB', '')
    """
    finite = np.abs(values[np.isfinite(values)])
    largest = float(finite.max()) if len(finite) else 0.0
    words = [word.lower() for word in words_of(metric)]
    if _counts_bytes(metric, words):
        return next((unit for unit in _BYTES if largest >= unit.size), _FEW_BYTES)
    if words and words[-1] in ("percent", "pct"):
        return _PERCENT
    if _LARGE <= largest < _LARGEST:
        return next(unit for unit in _COUNTS if largest >= unit.size)
    return _PLAIN


def in_unit(curve: Curve, unit: Unit) -> Curve:
    """Return a line whose values are in a unit."""
    return curve if unit is _PLAIN else dataclasses.replace(curve, y=curve.y / unit.size)


def with_unit(metric: str, value: float | None, digits: int = 4) -> str:
    """Write a value of a metric.

    Examples
    --------
    >>> with_unit("system/memory_used", 2.1e10, 3), with_unit("tokens", 5.2e8), with_unit("a", 0.5)
    ('19.6 GiB', '520 M', '0.5')
    """
    if value is None or not np.isfinite(value):
        return number(value, digits)
    unit = unit_of(metric, np.array([value]))
    return f"{number(value / unit.size, digits)}{unit.sign}"


def _counts_bytes(metric: str, words: list[str]) -> bool:
    if _OF_MACHINE.fullmatch(metric):
        return True
    place = words.index("bytes") if "bytes" in words else 0
    return "bytes" in words and words[place - 1 if place else place] != "per"
