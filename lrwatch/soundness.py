"""Whether a record is what its types say: who may write in a store may write anything there."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import cache
from types import UnionType
from typing import TYPE_CHECKING, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["is_sound"]

_BEYOND: Final = 2**63
"""No whole number of ours is as large, and a float holds it."""


def is_sound(value: DataclassInstance) -> bool:
    """Tell whether every field of a record, and of those within it, holds what it may."""
    hints = _hints(type(value))
    return all(_is_a(getattr(value, name), hint) for name, hint in hints.items())


@cache
def _hints(kind: type[DataclassInstance]) -> dict[str, Any]:
    hints = get_type_hints(kind)
    return {field.name: hints[field.name] for field in dataclasses.fields(kind)}


def _is_a(value: Any, hint: Any) -> bool:
    origin, within = get_origin(hint), get_args(hint)
    if origin in (Union, UnionType):
        return any(_is_a(value, each) for each in within)
    if origin is Literal:
        return value in within
    if origin is not None:
        return isinstance(value, origin) and _holds(value, within)
    if hint in (int, float):
        return _is_number(value, hint)
    return isinstance(value, hint) and (not dataclasses.is_dataclass(hint) or is_sound(value))


def _holds(values: Any, within: tuple[Any, ...]) -> bool:
    if isinstance(values, Mapping):
        key, value = within
        return all(_is_a(k, key) and _is_a(v, value) for k, v in values.items())
    if within[-1] is Ellipsis:
        return all(_is_a(value, within[0]) for value in values)
    return len(values) == len(within) and all(map(_is_a, values, within))


def _is_number(value: Any, kind: type) -> bool:
    if isinstance(value, int) and not isinstance(value, bool):
        return abs(value) < _BEYOND
    return kind is float and isinstance(value, float)
