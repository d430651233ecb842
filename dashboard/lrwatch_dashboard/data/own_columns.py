"""The rows of a run's own metrics: read when they are shown, and only those that are."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from lrwatch.records import FloatArray, StepBlock, rising
from lrwatch.store import RunReader
from lrwatch_dashboard.data.thinning import thin
from lrwatch_dashboard.views import Curve, Window

__all__ = ["OwnColumns"]

_Piece = tuple[FloatArray, FloatArray]  # steps and values
_ALWAYS: Final = frozenset({"step", "loss"})  # a table of steps has them


class OwnColumns:
    """Columns of a run by name, without the steps at which they have no value.

    One that nobody has asked for costs neither reading nor memory; the first time that it is asked
    for, it is read from the first row on.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._reader: RunReader | None = None
        self._pieces: dict[str, list[_Piece]] = {}
        self._last_step = -1

    @property
    def n_bytes(self) -> int:
        """Bytes that the values take."""
        arrays = {id(a): a.nbytes for ps in self._pieces.values() for piece in ps for a in piece}
        return sum(arrays.values())  # columns with a value at every step share the steps

    def release(self) -> None:
        """Let go of all values."""
        self._reader, self._pieces, self._last_step = None, {}, -1

    def curves(self, names: Sequence[str], window: Window | None) -> tuple[Curve, ...]:
        """Read what is new, and return the lines of some columns, thinned for a screen.

        A column that the run does not have is an empty line.

        Raises
        ------
        LrwatchError
            If the rows cannot be read.
        """
        if not names:
            return ()
        self._read(names)
        return tuple(self._curve(name, window) for name in names)

    def _read(self, names: Collection[str]) -> None:
        missing = [name for name in names if name not in self._pieces]
        if self._reader is None or missing:
            wanted = [*self._pieces, *missing]
            self.release()
            self._pieces = {name: [] for name in wanted}
            self._reader = RunReader(self._path, columns={*_ALWAYS, *wanted})
        for rows in rising(self._reader.read_new()):
            self._append(rows)

    def _append(self, rows: StepBlock) -> None:
        first = int(rows.step[0])
        is_again, self._last_step = first <= self._last_step, int(rows.step[-1])
        steps = rows.step.astype(np.float64)
        for name, pieces in self._pieces.items():
            if is_again:
                kept = [int(np.searchsorted(x, first)) for x, _ in pieces]
                pieces[:] = [(x[:n], y[:n]) for (x, y), n in zip(pieces, kept, strict=True)]
            values = rows.extra.get(name)
            known = np.isfinite(values) if values is not None else np.empty(0, bool)
            if values is not None and known.any():
                is_dense = known.all()
                pieces.append((steps, values) if is_dense else (steps[known], values[known]))

    def _curve(self, name: str, window: Window | None) -> Curve:
        pieces = self._pieces[name]
        if len(pieces) > 1:
            xs, ys = zip(*pieces, strict=True)
            pieces[:] = [(np.concatenate(xs), np.concatenate(ys))]
        x, y = pieces[0] if pieces else (np.empty(0), np.empty(0))
        chosen = thin(x, y, window)
        return Curve(name, x[chosen], y[chosen])
