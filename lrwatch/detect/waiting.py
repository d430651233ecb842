"""Rows by which nothing is decided wait: a thousand at once cost little more than a hundred.

What is found, and at which row, is the same as if each had been taken when it came.

Own; how many may wait is a convention.

>>> from lrwatch.tables import step_block
>>> waiting = Waiting()
>>> rows = step_block({"step": range(3), "loss": np.ones(3), "lr": np.ones(3)})
>>> waiting.add(rows[:2]), waiting.add(rows[2:]), [rows.step for rows in waiting.take()]
(True, True, [array([0, 1, 2])])
>>> waiting.take()
[]
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import numpy.typing as npt

from lrwatch.records import STEP_COLUMNS, StepBlock

__all__ = ["Waiting"]

MOST: Final = 16_384
"""Numbers that may wait: 1,638 rows of a run without columns of its own."""

_NAMES: Final = (*STEP_COLUMNS, "loss_seen")


class Waiting:
    """Copies of rows, in one piece of memory that is used again and again.

    Attributes
    ----------
    n_rows
        How many wait.
    """

    def __init__(self) -> None:
        self.n_rows = 0
        self._memory: StepBlock | None = None

    def add(self, rows: StepBlock) -> bool:
        """Take rows; return whether there was room for them beside those that wait."""
        begin, end, names = self.n_rows, self.n_rows + len(rows), list(rows.extra)
        capacity = MOST // (len(_NAMES) + len(names))
        if end > capacity:
            return False
        memory = self._memory
        if memory is None or names != list(memory.extra):
            if begin:
                return False
            memory = self._memory = rows[np.zeros(capacity, np.intp)]
        for name in _NAMES:
            getattr(memory, name)[begin:end] = getattr(rows, name)
        for name in names:
            memory.extra[name][begin:end] = rows.extra[name]
        self.n_rows = end
        return True

    def column(self, name: str) -> npt.NDArray[Any]:
        """Return a column of the rows that wait, as a view."""
        column: npt.NDArray[Any] = getattr(self._memory, name)[: self.n_rows]
        return column

    def take(self) -> list[StepBlock]:
        """Return the rows that wait, in a block if any do; they are good until others come."""
        n_rows, self.n_rows = self.n_rows, 0
        return [self._memory[:n_rows]] if self._memory is not None and n_rows else []
