"""Memory that Arrow has read a long run into goes back to the system."""

from __future__ import annotations

from typing import Final

import pyarrow as pa

__all__ = ["give_back"]

_MANY_ROWS: Final = 100_000


def give_back(n_rows: int) -> None:
    """Have Arrow return what it holds in reserve, if so many rows were read that it matters."""
    if n_rows >= _MANY_ROWS:
        pa.default_memory_pool().release_unused()
