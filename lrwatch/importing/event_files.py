"""The frames of TensorBoard's event files: a length and its checksum, bytes and theirs."""

from __future__ import annotations

import struct
from typing import Final

import numpy as np
import numpy.typing as npt

__all__ = ["checksums", "framed", "is_event_file", "unframed"]

_HEADER: Final = struct.Struct("<QI")
_FOOTER: Final = struct.Struct("<I")
_LARGE: Final = 2**16
"""Bytes of a record from which on it holds a picture or a graph, and no scalar."""


def _table() -> npt.NDArray[np.uint32]:
    table: npt.NDArray[np.uint32] = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> 1 ^ np.uint32(0x82F63B78), table >> 1)
    return table


_CRC32C: Final = _table()


def checksums(records: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """Return the masked CRC-32C of each record.

    Parameters
    ----------
    records
        Bytes, shape ``(n_records, n_bytes)``: all of one length, so that numpy does them at once.

    Examples
    --------
    >>> hex(int(checksums(np.frombuffer(b"123456789", np.uint8)[None])[0]))
    '0xc78ab0e5'
    """
    crc = np.full(len(records), 0xFFFF_FFFF, np.uint32)
    for byte in records.T:
        crc = _CRC32C[(crc ^ byte) & 0xFF] ^ (crc >> np.uint32(8))
    crc = ~crc
    masked: npt.NDArray[np.uint32] = (crc >> np.uint32(15) | crc << np.uint32(17)) + np.uint32(
        0xA282EAD8
    )
    return masked


def framed(record: bytes) -> bytes:
    """Return a record as it stands in a file."""
    length = struct.pack("<Q", len(record))
    crcs = [int(checksums(np.frombuffer(part, np.uint8)[None])[0]) for part in (length, record)]
    return length + _FOOTER.pack(crcs[0]) + record + _FOOTER.pack(crcs[1])


def is_event_file(head: bytes) -> bool:
    """Tell whether bytes begin with a record whose length has the right checksum."""
    if len(head) < _HEADER.size:
        return False
    crc: int = _HEADER.unpack_from(head)[1]
    return int(checksums(np.frombuffer(head[:8], np.uint8)[None])[0]) == crc


def unframed(content: bytes) -> tuple[list[bytes | None], str]:
    """Return the records of a file, and why it ends before its end; empty if it does not.

    A record whose checksum is wrong is ``None``. One that is too large for scalars is not
    checked, and empty.
    """
    spans, why = _spans(content)
    data = np.frombuffer(content, np.uint8)
    heads = np.array([begin for begin, _ in spans], np.int64)
    stated = np.array([_HEADER.unpack_from(content, begin)[1] for begin, _ in spans], np.uint32)
    lengths = data[heads[:, None] + np.arange(8)] if len(heads) else np.zeros((0, 8), np.uint8)
    wrong = np.flatnonzero(checksums(lengths) != stated)
    if len(wrong):  # nobody knows where the next record begins
        why, spans = f"record {wrong[0] + 1} is damaged, and so is the rest", spans[: wrong[0]]
    records: list[bytes | None] = [None if size <= _LARGE else b"" for _, size in spans]
    sizes = np.array([size for _, size in spans], np.int64)
    for size in np.unique(sizes[sizes <= _LARGE]).tolist():
        places = np.flatnonzero(sizes == size)
        begins = np.array([spans[i][0] for i in places]) + _HEADER.size
        crcs = checksums(data[begins[:, None] + np.arange(size)])
        for i, begin, crc in zip(places.tolist(), begins.tolist(), crcs.tolist(), strict=True):
            if crc == _FOOTER.unpack_from(content, begin + size)[0]:
                records[i] = content[begin : begin + size]
    return records, why


def _spans(content: bytes) -> tuple[list[tuple[int, int]], str]:
    """Return where each record begins and how long it is."""
    spans: list[tuple[int, int]] = []
    at = 0
    while at < len(content):
        if at + _HEADER.size > len(content):
            return spans, "the last record is cut short"
        size = _HEADER.unpack_from(content, at)[0]
        end = at + _HEADER.size + size + _FOOTER.size
        if end > len(content):
            return spans, f"record {len(spans) + 1} is cut short"
        spans.append((at, size))
        at = end
    return spans, ""
