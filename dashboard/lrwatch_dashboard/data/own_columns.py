"""The lines of a run's own metrics: read when they are shown, thinned as they are read."""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt

from lrwatch.records import FloatArray, StepBlock, superseded
from lrwatch.store import RunReader
from lrwatch_dashboard.data.extremes import Extremes
from lrwatch_dashboard.views import Curve, Window

__all__ = ["OwnColumns"]

_ALWAYS: Final = frozenset({"step", "loss"})  # a table of steps has them
_AT_ONCE: Final = 8  # columns that are read together: the first are there before the last


class OwnColumns:
    """Columns of a run by name, without the steps at which they have no value.

    One that nobody has asked for costs no reading. Of those that were read some 30 kB stay, however
    long the run: the points to draw, to which later rows are added.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._again = np.empty(0, bool)  # of rows from the first one on, those to leave out
        self._whole: dict[str, _Reading] = {}
        self._window: Window | None = None
        self._zoomed: dict[str, _Reading] = {}
        self._drawn: dict[str, tuple[Window | None, Curve]] = {}

    def drawn(self, name: str) -> tuple[Window | None, Curve] | None:
        """Return the line of a column as it was returned last, and the window it was for."""
        return self._drawn.get(name)

    def curves(self, names: Sequence[str], window: Window | None) -> tuple[Curve, ...]:
        """Read what is new, and return the lines of some columns, thinned for a screen.

        A column that the run does not have is an empty line.

        Raises
        ------
        LrwatchError
            If the rows cannot be read.
        """
        found: list[Curve] = []
        for first in range(0, len(names), _AT_ONCE):
            some = names[first : first + _AT_ONCE]
            with self._lock:
                self._read(some, window)
                for name in some:
                    found.append(self._curve(name, window))
                    self._drawn[name] = (window, found[-1])
        return tuple(found)

    def _curve(self, name: str, window: Window | None) -> Curve:
        """Return a line: in detail within a window, and coarse beside it."""
        x, y = self._whole[name].points(name)
        if window is not None:
            inside = self._zoomed[name].points(name)
            before, after = x < window[0], x > window[1]
            x = np.concatenate([x[before], inside[0], x[after]])
            y = np.concatenate([y[before], inside[1], y[after]])
        return Curve(name, x, y)

    def _read(self, names: Sequence[str], window: Window | None) -> None:
        if window is not None and window != self._window:
            self._window, self._zoomed = window, {}
        while not (
            self._go_on(self._whole, names, None)
            and (window is None or self._go_on(self._zoomed, names, window))
        ):
            # The run went back and wrote steps again: a thinned line cannot be cut.
            self._again = superseded(_steps(self._path))
            self._whole, self._zoomed = {}, {}

    def _go_on(
        self, known: dict[str, _Reading], names: Sequence[str], window: Window | None
    ) -> bool:
        """Read what is new of columns; return whether no step was written again."""
        missing = [name for name in names if name not in known]
        readings = {id(known[name]): known[name] for name in names if name in known}
        if missing:
            new = _Reading(self._path, missing, window, self._again)
            readings[id(new)] = new
        is_so = all(reading.go_on() for reading in readings.values())
        known |= dict.fromkeys(missing, new) if missing else {}
        return is_so


class _Reading:
    """Some columns of a run, as far as they were read; rows to leave out are marked in order."""

    def __init__(
        self, path: Path, names: Sequence[str], window: Window | None, again: npt.NDArray[np.bool_]
    ) -> None:
        self._lines = {name: Extremes() for name in names}
        self._window, self._again = window or (-math.inf, math.inf), again
        # Which rows to leave out is known by their place among all of them.
        within = None if len(again) else window
        self._reader = RunReader(path, columns={*_ALWAYS, *names}, within=within)
        self._n_rows, self._last_step = 0, -math.inf

    def points(self, name: str) -> tuple[FloatArray, FloatArray]:
        """Return steps and values of the line of a column."""
        return self._lines[name].points()

    def go_on(self) -> bool:
        """Read what is new; return whether no step was written again, or else this is void."""
        for block in self._reader.new_blocks():
            rows = self._that_count(block)
            if not len(rows):
                continue
            if rows.step[0] <= self._last_step or (np.diff(rows.step) <= 0).any():
                return False
            self._last_step = int(rows.step[-1])
            self._add(rows)
        return True

    def _that_count(self, block: StepBlock) -> StepBlock:
        again = self._again[self._n_rows : self._n_rows + len(block)]
        self._n_rows += len(block)
        if not again.any():
            return block
        return block[np.append(~again, np.ones(len(block) - len(again), bool))]

    def _add(self, rows: StepBlock) -> None:
        first = int(np.searchsorted(rows.step, self._window[0], side="left"))
        last = int(np.searchsorted(rows.step, self._window[1], side="right"))
        steps = rows.step[first:last].astype(np.float64)
        for name, line in self._lines.items():
            if name in rows.extra:
                values = rows.extra[name][first:last]
                known = np.isfinite(values)
                line.add(*((steps, values) if known.all() else (steps[known], values[known])))


def _steps(path: Path) -> npt.NDArray[np.int64]:
    """Return the steps of a run in the order in which they were written."""
    blocks = RunReader(path, columns=_ALWAYS).new_blocks()
    return np.concatenate([np.empty(0, np.int64), *(block.step for block in blocks)])
