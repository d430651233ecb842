"""The rows of the runs looked at last in memory, growing as they are written."""

from __future__ import annotations

import itertools
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa

from lrwatch.detect.schedule_name import is_constant, name_of
from lrwatch.errors import LrwatchError
from lrwatch.records import STEP_COLUMNS, FloatArray, StepBlock, rising
from lrwatch.store import RunReader, read_run_info
from lrwatch_dashboard.data.envelope import drawn_columns
from lrwatch_dashboard.data.own_columns import OwnColumns
from lrwatch_dashboard.data.smoothing import half_life_for, smooth
from lrwatch_dashboard.data.thinning import spread, thin
from lrwatch_dashboard.views import Curve, RunCurves, Window

__all__ = ["LoadedRun", "LoadedRuns", "give_back"]

_FIRST_CAPACITY: Final = 4096
_CUT: Final = 0.9
_MOST_CUTS: Final = 10
_N_CROSSES: Final = 80
_MANY_ROWS: Final = 100_000
_MOST: Final = 24  # runs whose lines stay in memory; a comparison holds up to 20
_MOST_BYTES: Final = 120_000_000  # ... and of whose rows so much
_READING: Final = 2  # runs at once whose metrics are read in the background
_EFFECTIVE: Final = "lr_effective"  # the rate that an optimizer with its own schedule used
_COLUMNS: Final = ("step", "loss", "lr", "grad_norm", "grad_norm_clipped", "ratio")


class LoadedRun:
    """The rows of a run as columns; a step that was written again counts once.

    Raises
    ------
    LrwatchError
        If there is no run, or it cannot be read.
    """

    def __init__(self, path: Path) -> None:
        self._reader = _reader(path)
        self.own = OwnColumns(path)
        self._lock = threading.Lock()
        self._columns = {name: np.empty(0) for name in _COLUMNS}
        self._broken = np.empty(0)  # steps whose loss was seen and is not finite
        self._n = 0
        self._is_released = False
        self._revision = 0
        self._usual = half_life_for(0)
        self._resumes: list[int] = []
        self._smoothed: tuple[int, int, FloatArray] = (-1, 0, np.empty(0))
        self._last: RunCurves | None = None
        self._schedule: tuple[int, str] = (-1, "")  # of which revision

    def curves(self, window: Window | None = None, half_life: int | None = None) -> RunCurves:
        """Read what is new; return the lines thinned for a screen, as `RunSource.curves` does."""
        with self._lock:
            self._read()
            wanted = self._usual if half_life is None else half_life
            last = self._last
            shown = (window, wanted, str(self._revision))
            if last is None or (last.window, last.half_life, last.token) != shown:
                if self._is_released:
                    self._read_again()
                self._last = last = self._thinned(window, wanted)
            return last

    def schedule(self) -> str:
        """Name the schedule of the rows read so far, as `name_of` does; once for each state."""
        with self._lock:
            if self._schedule[0] != self._revision:
                if self._is_released:
                    self._read_again()
                name = name_of(self._column("lr"), self._column("step"))
                self._schedule = (self._revision, name)
            return self._schedule[1]

    @property
    def n_bytes(self) -> int:
        """Bytes that the rows take."""
        rows = sum(column[: self._n].nbytes for column in self._columns.values())
        return rows + self._smoothed[2].nbytes

    def release(self) -> None:
        """Let go of the rows, unless they are in use; the lines drawn last are kept.

        They are read again when other lines are asked for, or the run has gone on.
        """
        if self._lock.acquire(blocking=False):
            try:
                self._columns = {name: np.empty(0) for name in _COLUMNS}
                self._smoothed = (-1, 0, np.empty(0))
                self._is_released = True
            finally:
                self._lock.release()

    def _read(self) -> None:
        blocks = self._reader.new_blocks()
        first = next(blocks, None)
        if first is None:
            return
        self._revision += 1
        if self._is_released:  # the whole run is read, these rows included
            self._read_again()
        else:
            self._take_in(itertools.chain([first], blocks))

    def _read_again(self) -> None:
        self._reader = _reader(self._reader.path)
        self._is_released = False
        self._n, self._resumes, self._broken = 0, [], np.empty(0)
        self._take_in(self._reader.new_blocks())

    def _take_in(self, blocks: Iterable[StepBlock]) -> None:
        n_rows = 0
        for block in blocks:
            n_rows += len(block)
            for rows in rising(block):  # each piece overwrites what it writes again
                self._append(rows)
        self._usual = half_life_for(self._n, self._column("loss"))
        give_back(n_rows)

    def _append(self, block: StepBlock) -> None:
        first = int(block.step[0])
        steps = self._columns["step"][: self._n]
        if self._n and first <= steps[-1]:
            self._n = int(np.searchsorted(steps, first))
            self._resumes = [*(s for s in self._resumes if s < first), first]
            self._broken = self._broken[self._broken < first]
        new = _columns_of(block)
        begin, self._n = self._n, self._n + len(block)
        for name in {*self._columns, *new}:
            self._with_room(name, begin)[begin : self._n] = new.get(name, np.nan)
        broken = block.loss_seen & ~np.isfinite(block.loss)
        if broken.any():
            self._broken = np.append(self._broken, block.step[broken])

    def _with_room(self, name: str, n_kept: int) -> FloatArray:
        column = self._columns[name] if name in self._columns else np.full(n_kept, np.nan)
        if len(column) < self._n:
            # What is not written to takes no memory yet.
            grown = np.empty(max(self._n, 2 * len(column), _FIRST_CAPACITY))
            grown[:n_kept] = column[:n_kept]
            self._columns[name] = column = grown
        return column

    def _column(self, name: str) -> FloatArray:
        return self._columns[name][: self._n]

    def _thinned(self, window: Window | None, half_life: int) -> RunCurves:
        step, loss, broken = self._column("step"), self._column("loss"), self._broken
        smoothed, lr = self._smooth_loss(half_life), self._lr_curves(window)
        return RunCurves(
            last_step=int(step[-1]) if self._n else None,
            loss=self._curve("loss", loss, window),
            smooth_loss=self._curve("smoothed", smoothed, window),
            half_life=half_life,
            lr=lr,
            is_steady=all(is_constant(curve.y) for curve in lr if len(curve.y)),
            grad_norm=self._curve("gradient norm", self._column("grad_norm"), window),
            clipped=self._clipped(window),
            update_ratio=self._curve("update / weight", self._column("ratio"), window),
            broken=spread(broken, _N_CROSSES),
            n_broken=len(broken),
            first_broken=int(broken[0]) if len(broken) else None,
            stays_broken=bool(len(broken)) and not np.isfinite(loss[step >= broken[0]]).any(),
            resumes=tuple(self._resumes),
            cuts=_cuts(step, self._column("lr")),
            window=window,
            token=str(self._revision),
        )

    def _curve(self, name: str, y: FloatArray, window: Window | None) -> Curve:
        x = self._column("step")
        chosen = thin(x, y, window)
        return Curve(name, x[chosen], y[chosen])

    def _lr_curves(self, window: Window | None) -> tuple[Curve, ...]:
        groups = [name for name in self._columns if name.startswith("lr/")]
        named = {name: name.removeprefix("lr/") for name in sorted(groups, key=self._group_order)}
        used = {_EFFECTIVE: "effective"} if _EFFECTIVE in self._columns else {}
        named = (named or {"lr": "nominal" if used else ""}) | used
        return tuple(self._curve(name, self._column(of), window) for of, name in named.items())

    def _group_order(self, column: str) -> tuple[int, str]:
        name, known = column.removeprefix("lr/"), self._reader.info.parameter_groups
        return (known.index(name) if name in known else len(known), name)

    def _clipped(self, window: Window | None) -> Curve | None:
        norm, clipped = self._column("grad_norm"), self._column("grad_norm_clipped")
        differs = np.isfinite(clipped) & (clipped < norm * (1 - 1e-6))
        return self._curve("after clipping", clipped, window) if differs.any() else None

    def _smooth_loss(self, half_life: int) -> FloatArray:
        if half_life < 1:
            return self._column("loss")
        if self._smoothed[:2] != (self._revision, half_life):
            self._smoothed = (self._revision, half_life, smooth(self._column("loss"), half_life))
        return self._smoothed[2]


def _columns_of(block: StepBlock) -> dict[str, FloatArray]:
    more = {"step": block.step.astype(np.float64), "grad_norm_clipped": block.grad_norm_clipped}
    rates = {name: block.extra[name] for name in block.extra if _is_rate(name)}
    return drawn_columns(block) | more | rates


def _cuts(step: FloatArray, lr: FloatArray) -> tuple[int, ...]:
    """Return the steps at which a rate that had stayed as it was fell: no decay, but a cut."""
    if len(lr) < 3:  # noqa: PLR2004
        return ()
    is_cut = (lr[2:] < _CUT * lr[1:-1]) & (lr[1:-1] == lr[:-2])
    return tuple(int(s) for s in step[2:][is_cut][:_MOST_CUTS])


def _reader(path: Path) -> RunReader:
    """Return a reader of what every run has, and of the rates of its parameter groups."""
    groups = [f"lr/{name}" for name in read_run_info(path).parameter_groups]
    return RunReader(path, columns=[*STEP_COLUMNS, *groups, _EFFECTIVE])


def _is_rate(name: str) -> bool:
    return name.startswith("lr/") or name == _EFFECTIVE


class LoadedRuns:
    """Reads runs, and keeps those that were asked for last."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, LoadedRun] = OrderedDict()
        self._pool = ThreadPoolExecutor(_READING, "lrwatch-reads")
        self._readings: dict[str, Future[Any]] = {}

    def curves(
        self, key: str, path: Path, window: Window | None, half_life: int | None
    ) -> RunCurves | None:
        """Return the lines of a run, as `LoadedRun.curves` does; None if it cannot be read."""
        try:
            curves = self._loaded(key, path).curves(window, half_life)
        except (LrwatchError, OSError):
            return None
        self._trim()
        return curves

    def schedule(self, key: str, path: Path) -> str:
        """Name the schedule of a run; empty where it cannot be read."""
        try:
            return self._loaded(key, path).schedule()
        except (LrwatchError, OSError):
            return ""

    def own(
        self,
        key: str,
        path: Path,
        names: Sequence[str],
        window: Window | None,
        patience: float | None = None,
    ) -> tuple[tuple[Curve, ...], tuple[str, ...]]:
        """Return lines of the user's metrics, and which of them are still being read.

        They are read in the background if it takes longer than the patience, in seconds; until they
        are there they are empty, as are those of a run that cannot be read.
        """
        nothing = tuple(Curve(name, np.empty(0), np.empty(0)) for name in names)
        try:
            run = self._loaded(key, path).own
            if patience is None:
                return run.curves(names, window), ()
            with self._lock:
                reading = self._readings.get(key)
                if reading is None or reading.done():
                    reading = self._readings[key] = self._pool.submit(run.curves, names, window)
            if wait([reading], patience).done:
                reading.result()  # or what went wrong
        except (LrwatchError, OSError):
            return nothing, ()
        last = [run.drawn(name) for name in names]  # coarse, perhaps, but there
        found = tuple(old[1] if old else empty for old, empty in zip(last, nothing, strict=True))
        return found, tuple(
            name for name, old in zip(names, last, strict=True) if old is None or old[0] != window
        )

    def forget(self, keys: Iterable[str]) -> None:
        """Let go of runs that are gone, or others now."""
        with self._lock:
            for key in keys:
                self._kept.pop(key, None)
                self._readings.pop(key, None)

    def _loaded(self, key: str, path: Path) -> LoadedRun:
        with self._lock:
            run = self._kept.get(key)
            if run is None:
                run = self._kept[key] = LoadedRun(path)
            self._kept.move_to_end(key)
            while len(self._kept) > _MOST:
                self._kept.popitem(last=False)
            return run

    def _trim(self) -> None:
        """Let go of the rows of runs that were looked at longest ago; the last one stays."""
        with self._lock:
            runs = list(self._kept.values())
        n_bytes = sum(run.n_bytes for run in runs)
        for run in runs[:-1]:
            if n_bytes <= _MOST_BYTES:
                break
            n_bytes -= run.n_bytes
            run.release()


def give_back(n_rows: int) -> None:
    """Have Arrow return what it holds in reserve, if so many rows were read that it matters."""
    if n_rows >= _MANY_ROWS:
        pa.default_memory_pool().release_unused()
