"""The wire format of protocol buffers, as far as scalars need it: fields in, fields out."""

from __future__ import annotations

import struct
from collections.abc import Iterator

__all__ = ["Field", "bytes_field", "double_field", "fields", "float_field", "varint_field"]

Field = tuple[int, int | bytes]
"""Number and value of a field: a whole number, or the bytes of anything else."""

_VARINT, _DOUBLE, _BYTES, _FLOAT = 0, 1, 2, 5
_WIDTHS = {_DOUBLE: 8, _FLOAT: 4}
_LONGEST_VARINT = 10


def fields(message: bytes) -> Iterator[Field]:
    """Yield the fields of a message.

    Raises
    ------
    ValueError
        If it is no message.

    Examples
    --------
    >>> list(fields(varint_field(1, 300) + bytes_field(2, b"lr")))
    [(1, 300), (2, b'lr')]
    """
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        kind = tag & 7
        if kind == _VARINT:
            value, at = _varint(message, at)
            yield tag >> 3, value
            continue
        if kind == _BYTES:
            width, at = _varint(message, at)
        elif kind in _WIDTHS:
            width = _WIDTHS[kind]
        else:
            raise ValueError(f"a field of wire type {kind}")
        if at + width > len(message):
            raise ValueError("a field is longer than its message")
        yield tag >> 3, message[at : at + width]
        at += width


def varint_field(number: int, value: int) -> bytes:
    """Return a field that holds a whole number."""
    return _written(number << 3 | _VARINT) + _written(value)


def bytes_field(number: int, value: bytes) -> bytes:
    """Return a field that holds bytes, a text or a message."""
    return _written(number << 3 | _BYTES) + _written(len(value)) + value


def double_field(number: int, value: float) -> bytes:
    """Return a field of eight bytes."""
    return _written(number << 3 | _DOUBLE) + struct.pack("<d", value)


def float_field(number: int, value: float) -> bytes:
    """Return a field of four bytes; a number beyond their range becomes infinite."""
    try:
        packed = struct.pack("<f", value)
    except OverflowError:
        packed = struct.pack("<f", float("inf") if value > 0 else float("-inf"))
    return _written(number << 3 | _FLOAT) + packed


def _varint(message: bytes, at: int) -> tuple[int, int]:
    value = 0
    for i, byte in enumerate(message[at : at + _LONGEST_VARINT]):
        value |= (byte & 0x7F) << (7 * i)
        if byte < 0x80:  # noqa: PLR2004  the highest bit says that more follow
            return value & 0xFFFF_FFFF_FFFF_FFFF, at + i + 1
    raise ValueError("a number without an end")


def _written(value: int) -> bytes:
    value &= 0xFFFF_FFFF_FFFF_FFFF
    written = bytearray()
    while value > 0x7F:  # noqa: PLR2004
        written.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*written, value])
