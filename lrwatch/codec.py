"""Dataclasses to JSON and back, the same way for every file and every message.

JSON has no NaN and no infinities: both are written as null. Only a field of type `FloatOrNan`
reads null as NaN again; anywhere else null means "none", or is refused. Fields that a later
version added are ignored.

Several people may write in a store, so nothing is taken on trust: `decode` returns what the
types say, or raises an error that names the field.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, NoReturn, TypeVar

import msgspec
import numpy as np

from lrwatch.errors import StateUnreadable
from lrwatch.plain_files import read_file, replace_file

__all__ = [
    "FloatOrNan",
    "as_record",
    "decode",
    "encode",
    "explained",
    "plain",
    "read_record",
    "write_record",
]

T = TypeVar("T")
Reshape = Callable[[dict[str, Any]], dict[str, Any]]

_FORMAT: Final = 1
_LARGEST: Final = 2**63
"""Whole numbers are smaller, so that every program can read them, and a float holds them."""

_MOST_DIGITS: Final = 20

if TYPE_CHECKING:
    FloatOrNan = float
else:

    class _IsFloat(type):
        def __instancecheck__(cls, value: object) -> bool:
            return isinstance(value, float)

    class FloatOrNan(metaclass=_IsFloat):
        """The type of a float that may be NaN; its values are plain floats."""


def encode(value: Any) -> bytes:
    """Return a value as one line of JSON.

    Examples
    --------
    >>> encode({"loss": float("nan"), "interval": (1, 2)})
    b'{"loss": null, "interval": [1, 2]}'
    """
    return json.dumps(plain(value), allow_nan=False).encode()


def decode(text: bytes | str, kind: type[T]) -> T:
    """Return a value of a type from JSON.

    Raises
    ------
    ValueError
        If the text is not JSON, or does not hold what the type says.

    Examples
    --------
    >>> decode(b"[1, 2]", tuple[int, int])
    (1, 2)
    """
    try:
        content = json.loads(
            text, parse_int=_whole, parse_float=_finite_float, parse_constant=_not_a_number
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    return _converted(content, kind)


def plain(value: Any) -> Any:
    """Return a value as dicts, lists, strings, numbers and None; what is not finite is None."""
    return _finite(msgspec.to_builtins(value, str_keys=True, enc_hook=_of_python))


def explained(error: msgspec.ValidationError) -> tuple[str, str]:
    """Return which field is wrong, empty for all of it, and what is wrong with it."""
    what, _, where = str(error).partition(" - at `$")
    what = what.replace("`", "").replace("Object contains", "it has").replace("Object", "it")
    what = what.replace("Expected", "expected")
    return where.strip("`").removeprefix("."), what


def read_record(path: Path, kind: type[T], *, reshape: Reshape = lambda c: c) -> T | None:
    """Return what `write_record` wrote; ``None`` if there is no file.

    Parameters
    ----------
    reshape
        Turns the fields of the file into those of the type, where they differ. Nothing has
        been checked of them.

    Raises
    ------
    StateUnreadable
        If the file cannot be read, is damaged, or is of a later format.
    """
    try:
        text = read_file(path)
        return (
            None if text is None else _converted(reshape(_checked_format(decode(text, dict))), kind)
        )
    except OSError as error:
        raise StateUnreadable(f"{path} cannot be read: {error.strerror or error}") from error
    except ValueError as error:
        raise StateUnreadable(f"{path} is damaged: {error}") from error


def write_record(path: Path, value: Any, *, reshape: Reshape = lambda c: c) -> None:
    """Replace a file by what a dataclass holds.

    Raises
    ------
    OSError
        If it cannot be written; an earlier file is then left as it was.
    """
    replace_file(path, as_record(value, reshape=reshape))


def as_record(value: Any, *, reshape: Reshape = lambda c: c) -> bytes:
    """Return what `write_record` writes."""
    content = {"format": _FORMAT, **reshape(plain(value))}
    return json.dumps(content, allow_nan=False).encode() + b"\n"


def _checked_format(content: dict[str, Any]) -> dict[str, Any]:
    version = _converted(content.get("format", _FORMAT), int)
    if version > _FORMAT:
        raise ValueError(f"it has format {version}, this lrwatch reads up to {_FORMAT}")
    return content


def _converted(content: Any, kind: type[T]) -> T:
    try:
        return msgspec.convert(content, kind, dec_hook=_float_or_nan)
    except msgspec.ValidationError as error:
        raise ValueError(": ".join(filter(None, explained(error)))) from None


def _whole(text: str) -> int:
    number = int(text) if len(text) <= _MOST_DIGITS else _LARGEST
    return number if abs(number) < _LARGEST else _not_a_number(text)


def _finite_float(text: str) -> float:
    number = float(text)
    return number if math.isfinite(number) else _not_a_number(text)


def _not_a_number(text: str) -> NoReturn:
    raise ValueError(f"{text[:20]} is not a number that it may hold")


def _float_or_nan(kind: type, value: Any) -> float:
    if kind is not FloatOrNan:
        raise NotImplementedError(f"no JSON stands for a {kind.__name__}")
    if value is not None and type(value) not in (int, float):
        raise TypeError(f"expected float or null, got {type(value).__name__}")
    return math.nan if value is None else float(value)


def _of_python(value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(f"no JSON stands for a {type(value).__name__}")


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return value
