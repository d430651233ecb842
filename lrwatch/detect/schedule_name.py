"""Name of a schedule, from the rates that were used: constant, cosine, in steps, one cycle, ...

Idea: a schedule is a rise to the peak, perhaps a plateau, and a fall; or it rises again. The fall
is tried against each curve that schedulers draw, and named only if it follows one at every step.
What was not seen is not said: a cosine that is a third through is named by the part it made.

Source: the curves are those of `torch.optim.lr_scheduler` and of Hugging Face's schedules; one
cycle is Smith and Topin, Super-Convergence, 2019, section 3; triangular cycles Smith, Cyclical
Learning Rates, WACV 2017, section 3.2.

>>> t = np.arange(1000)
>>> name_of(np.full(1000, 0.1)), name_of(0.1 * (1 - t / 1000))
('constant', 'linear decay')
>>> name_of(np.minimum(1, t / 50) * 0.05 * (1 + np.cos(np.pi * t / 1000)))
'warm-up (50 steps), cosine decay'
>>> name_of(0.1 * 0.5 ** (t // 300))
'steps down at 300, 600 and 900'
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

from lrwatch.formats import counted
from lrwatch.records import FloatArray

__all__ = ["is_constant", "name_of"]

CONSTANT: Final = "constant"

SAME: Final = 1e-6
"""Share of the peak by which rates may differ and be one: a float32 is off by less."""

CLOSE: Final = 0.01
"""Share of the fall by which a rate may miss a curve that it follows."""

FEWEST: Final = 10
"""Rates before nothing is said but that they are constant."""

N_POINTS: Final = 64
"""Rates at which a curve is compared, evenly spaced."""

MOST_STEPS: Final = 20
"""Falls of a schedule in steps; one that falls more often is a curve."""

MOST_NAMED: Final = 4
"""Steps that are named one by one."""

PLATEAU: Final = 0.1
"""Share of the run from which on a peak that is held is a part of the schedule."""

ONE_CYCLE: Final = 0.2
"""Share of the run from which on a rise is more than a warm-up, where the rate ends below it."""

HELD: Final = 0.01
"""Share of the run for which a peak may last that is only passed."""


def is_constant(lr: FloatArray) -> bool:
    """Return whether rates, or points of their curve, one at least, never changed.

    Examples
    --------
    >>> is_constant(np.array([0.1, 0.1, np.nan])), is_constant(np.array([0.1, 0.1001]))
    (True, False)
    """
    seen = np.asarray(lr, np.float64)
    seen = seen[np.isfinite(seen)]
    return bool(len(seen)) and float(np.ptp(seen)) <= SAME * float(np.abs(seen).max())


def name_of(lr: FloatArray, step: npt.ArrayLike | None = None) -> str:
    """Name the schedule of a run so far.

    Parameters
    ----------
    lr
        Learning rate of each row, shape ``(n_rows,)``; those that are not finite do not count.
    step
        Number of its step, rising, of the same shape; counted from 0 where it is not given.

    Returns
    -------
    str
        In words that follow "The schedule is", lower case; empty where nothing can be said.
    """
    lr = np.asarray(lr, np.float64)
    seen = np.isfinite(lr)
    at = np.asarray(np.arange(len(lr)) if step is None else step, np.float64)[seen]
    lr = lr[seen]
    if not len(lr) or not lr.max() > 0:
        return ""
    if is_constant(lr):
        return CONSTANT
    lr = lr / lr.max()
    if len(lr) < FEWEST:
        return ""
    return _rises_again(lr, at) or _rise_and_fall(lr, at)


def _rise_and_fall(lr: FloatArray, at: FloatArray) -> str:
    """Name a schedule with one peak, which may be held."""
    top = np.flatnonzero(lr >= 1 - SAME)
    first, last = int(top[0]), int(top[-1])
    if first == len(lr) - 1:
        return _rise(lr)
    fall = _fall(lr, at, first, last)
    if first == 0:
        return fall
    is_passed = last - first <= HELD * len(lr)
    if first >= ONE_CYCLE * len(lr) and lr[-1] < lr[0] and is_passed:
        return f"one cycle, with its peak at step {int(at[first]):,}"
    return f"warm-up ({counted(int(at[first] - at[0]), 'step')}), {fall}"


def _rise(lr: FloatArray) -> str:
    points = _points(lr)
    t = np.linspace(0, 1, len(points))
    if points[0] > 0 and _follows(np.log(points), t):
        return "exponential rise"
    return "linear rise" if _follows(points, t) else "rising"


def _fall(lr: FloatArray, at: FloatArray, first: int, last: int) -> str:
    """Name what comes after a peak that is held from row `first` to `last`."""
    rest = lr[first:]
    falls = np.flatnonzero(np.diff(rest) < -SAME)
    if not len(falls):
        return "constant"
    if len(falls) <= MOST_STEPS and len(falls) < len(rest) / 4:
        return f"steps down at {_enumerated(at[first + falls + 1])}"
    if last - first >= PLATEAU * len(lr):
        return f"constant to step {int(at[last]):,}, {_curve(lr[last:])}"
    return _curve(lr[last:])


def _curve(fall: FloatArray) -> str:
    """Name a curve that only falls; rates that are held at its end are its floor."""
    floor = fall.min()
    reached = int(np.argmax(fall <= floor + SAME))
    held = len(fall) - 1 - reached
    y = _points(fall[: reached + 1])
    t = np.linspace(0, 1, len(y))
    name = next((name for name, is_one in _CURVES if is_one(y, t)), "decay")
    return f"{name}, constant" if held >= PLATEAU * len(fall) else name


def _follows(y: FloatArray, x: FloatArray) -> bool:
    """Whether `y` is a straight line in `x`, or in one of the rows of `x`, everywhere."""
    x, y = x - x.mean(axis=-1, keepdims=True), y - y.mean()
    slope = (x @ y) / (x * x).sum(axis=-1)
    miss = np.abs(y - x * slope[..., None]).max(axis=-1)
    return bool(np.min(miss) <= CLOSE * np.ptp(y))


def _is_exponential(y: FloatArray, t: FloatArray) -> bool:
    return bool(y[-1] > 0) and _follows(np.log(y), t)


def _is_power_of_time(power: float) -> Callable[[FloatArray, FloatArray], bool]:
    def is_one(y: FloatArray, t: FloatArray) -> bool:
        return bool(y[-1] > 0) and _follows(y**power, t)

    return is_one


def _is_cosine(y: FloatArray, t: FloatArray) -> bool:
    """Whether it is a half wave; perhaps its beginning only, or begun during the warm-up."""
    begins = np.linspace(0, 0.2, 41)[:, None, None]
    ends = np.linspace(0.3, 1, 71)[:, None]
    waves = np.cos(np.pi * (begins + (ends - begins) * t))
    return _follows(y, waves.reshape(-1, len(t)))


def _is_polynomial(y: FloatArray, t: FloatArray) -> bool:
    """Whether it is ``(1 - t / T) ** power``, with an end that may lie beyond what was seen."""
    ends = np.linspace(0.5, 1, 51)[:, None]
    powers = np.array([0.5, 0.9, 1.5, 2, 3, 4])[:, None, None]
    return _follows(y, ((1 - t * ends) ** powers).reshape(-1, len(t)))


_CURVES: Final = (
    ("linear decay", _follows),
    ("exponential decay", _is_exponential),
    ("inverse time decay", _is_power_of_time(-1)),
    ("inverse square root decay", _is_power_of_time(-2)),
    ("cosine decay", _is_cosine),
    ("polynomial decay", _is_polynomial),
)
"""The simplest first: each is looked for where those before it were not found."""


def _rises_again(lr: FloatArray, at: FloatArray) -> str:
    """Name a schedule that comes up again after it fell, or whose rises are many."""
    way = np.sign(np.where(np.abs(np.diff(lr)) > SAME, np.diff(lr), 0))
    moves = np.flatnonzero(way)
    turns = moves[1:][np.diff(way[moves]) > 0]  # the first step up after one down
    if not len(turns):
        return ""
    if len(turns) > len(lr) / 4:
        return "changing from step to step"
    rises = [(int(turn), _end_of_rise(way, int(turn))) for turn in turns]
    if all(end - start <= 1 for start, end in rises):
        return f"warm restarts at {_enumerated(at[turns + 1])}"
    peaks = lr[[end for _, end in rises]]
    cycles = f"cyclical, {counted(len(turns) + 1, 'rise')}"
    return f"{cycles} to falling peaks" if np.all(np.diff(peaks) < -CLOSE) else cycles


def _end_of_rise(way: FloatArray, start: int) -> int:
    over = np.flatnonzero(way[start:] <= 0)
    return start + int(over[0]) if len(over) else len(way)


def _points(y: FloatArray) -> FloatArray:
    points: FloatArray = y[np.linspace(0, len(y) - 1, min(len(y), N_POINTS)).round().astype(int)]
    return points


def _enumerated(steps: FloatArray) -> str:
    shown = [f"{int(step):,}" for step in steps]
    if len(shown) > MOST_NAMED:
        n_others = len(shown) - MOST_NAMED + 1
        shown = [*shown[: MOST_NAMED - 1], counted(n_others, "other step")]
    return shown[0] if len(shown) == 1 else f"{', '.join(shown[:-1])} and {shown[-1]}"
