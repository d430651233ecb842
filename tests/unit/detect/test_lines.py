"""Where the line of each test lies: runs of one kind, stronger and stronger, up to the first found.

A threshold that moves by a fifth moves its line out of its tenth.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from lrwatch.detect.divergence import Divergence
from lrwatch.detect.explosion import Explosion
from lrwatch.detect.flatness import has_settled, is_flat, progress
from lrwatch.detect.gain import small_gain
from lrwatch.detect.gradient import blew_up
from lrwatch.detect.groups import summarise
from lrwatch.detect.motion import short_path
from lrwatch.detect.nonfinite import NonFinite
from lrwatch.detect.opening import Opening
from lrwatch.detect.overflow import skipped_steps
from lrwatch.detect.past import Past
from lrwatch.detect.progress import lost_again, solved
from lrwatch.detect.roughness import bounces
from lrwatch.detect.schedule import cut, range_test
from lrwatch.detect.spike import spike
from lrwatch.detect.stall import cut_too_early, dead, frozen
from lrwatch.detect.tracker import past_of
from lrwatch.detect.wandering import calm_rise, wanders
from lrwatch.tables import step_block

pytestmark = pytest.mark.slow

N = 400
STEP = np.arange(N)
DONE = STEP / N
ONES = np.ones(N)
NOISE = np.random.default_rng(0).standard_normal(2_000)
FALLS = 1 + np.exp(-STEP / 40)
QUIET = 1 + np.exp(-np.arange(1_000) / 40)
SMOOTH = np.convolve(NOISE[: N + 19], np.ones(20) / 20, "valid")
NORMS = {"grad_norm": ONES, "param_norm": 10 * ONES, "update_norm": 0.2 * ONES}


def run(loss: Any, **columns: Any) -> dict[str, Any]:
    return {"step": np.arange(len(loss)), "loss": loss, "lr": np.ones(len(loss)), **columns}


def past(loss: Any, **columns: Any) -> Past:
    return past_of(run(loss, **columns))


def at(loss: np.ndarray, where: Any, by: float) -> np.ndarray:
    changed = loss.copy()
    changed[where] += by
    return changed


# -- shapes, by one number ---------------------------------------------------------------------


def stairs(*left: float) -> np.ndarray:
    """A loss of 1 that has `left` of its decrease to go in four parts of the run."""
    ends = [0, 0.02, 0.03, 0.17, 0.18, 0.35, 0.36, 0.6, 0.61, 1]
    loss: np.ndarray = np.interp(DONE, ends, [1, 1, *np.repeat(left, 2), 0, 0])
    return loss


def drifts(share: float) -> np.ndarray:
    """A loss that comes down by 1, and from then on by a share of that."""
    return 3 - np.minimum(STEP / 100, 1) - share * DONE


def near_zero(level: float, decades: float) -> np.ndarray:
    return np.where(STEP < 160, level ** (STEP / 160), level * 10 ** (-decades * (DONE - 0.4)))


def cut_at(done: float, *, gain: float = 0.0, back: float = 0.0) -> Past:
    """A run whose rate is cut hundredfold, with what it gains after, and the rate at its end."""
    lr = np.where(done > DONE, 1.0, np.where(DONE < 0.97, 0.01, max(back, 0.01)))
    return past(3 - np.minimum(DONE, done) / done - gain * np.maximum(DONE - done, 0), lr=lr)


def walks(**columns: Any) -> Past:
    """A run that moves twice its own length and learns nothing."""
    return past(3 - 0.01 * DONE, **{**NORMS, "update_norm": ONES / 20, **columns})


def game(loss: np.ndarray, path: float = 5.0, grad: float = 1.0, **columns: Any) -> Past:
    norms = {"grad_norm": grad * np.ones(len(loss)), "param_norm": 10 * np.ones(len(loss))}
    norms["update_norm"] = np.full(len(loss), 10 * path / len(loss))
    return past(loss, **(norms | columns))


def jumps(step: int, **changed: Any) -> bool:
    n = 60
    grad = np.where(np.arange(n) < 50, 1.0, 1_000.0)
    norms = {"grad_norm": grad, "param_norm": np.full(n, 10.0), "update_norm": np.full(n, 0.1)}
    test, opening = Explosion(), Opening()
    rows = step_block(run(np.ones(n), **(norms | changed)))
    test.add(rows)
    opening.add(rows)
    return test.explains(step, opening)


def jump_at(row: float, **norms: Any) -> bool:
    grad = np.where(np.arange(60) < int(row), 1.0, 1_000.0)
    return jumps(int(row) + 2, grad_norm=grad, **norms)


def leaves(loss: np.ndarray) -> tuple[bool, Divergence]:
    groups = summarise(step_block(run(loss)), np.ones(len(loss)), np.full(2, np.nan))
    test, fired, n = Divergence(), False, 0
    while n < len(groups):
        looked, found = test.advance(groups[n:])
        n, fired = n + looked, fired or found
    return fired, test


def blows_up(loss: list[float], **columns: Any) -> bool:
    test, rows = NonFinite(), step_block(run(np.array(loss), **columns))
    while len(rows):
        n = test.advance(rows)
        rows = rows[len(rows) if n is None else n :]
    return test.step is not None


def nan_after(n_finite: int, n_nan: float, **flags: bool) -> bool:
    n = n_finite + int(n_nan)
    skipped = (np.arange(n) >= n_finite) & flags.get("skipped", False)
    grad = np.ones(n) if flags.get("grad", False) else np.full(n, np.nan)
    return blows_up([1.0] * n_finite + [np.nan] * int(n_nan), skipped=skipped, grad_norm=grad)


def descends(below_edge: float) -> Past:
    """Gradient descent on w ** 2 / 2, at a rate that far below the edge of stability, 2."""
    lr, w = 2 - below_edge, (1 - below_edge) ** np.arange(N)
    return past(w**2 / 2, grad_norm=w, update_norm=lr * w)


LINES: dict[str, tuple[Callable[[float], bool], float, float, float]] = {
    # name: (whether a run is found, by a number; a number at either side; the line)
    "spike, height": (
        lambda x: spike(past(at(FALLS + 0.2 * abs(NOISE[:N]), 300, x))).fired,
        0.1,
        9,
        1.4,
    ),
    "spike, share": (
        lambda x: spike(past(at(FALLS + 0.01 * NOISE[:N], 300, x))).fired,
        0.1,
        9,
        0.3,
    ),
    "spike, rest": (
        lambda x: spike(past(at(at(FALLS, 300, 3), slice(301, None), x))).fired,
        0.01,
        2,
        0.3,
    ),
    "spike, opening": (lambda x: spike(past(at(FALLS, int(N * x), 3))).fired, 0.005, 0.5, 0.03),
    "flat, drift": (lambda x: is_flat(past(drifts(x))).fired, 0.001, 1, 0.05),
    "flat, material": (lambda x: is_flat(past(near_zero(0.05, x))).fired, 0.001, 2, 0.1),
    "flat, nothing": (lambda x: is_flat(past(near_zero(x, 1.0))).fired, 1e-5, 0.05, 0.0036),
    "settled, drift": (lambda x: has_settled(past(drifts(x), **NORMS)).fired, 0.01, 3, 0.6),
    "settled, far": (lambda x: has_settled(game(drifts(0.001), path=x)).fired, 1, 9, 4),
    "settled, early": (lambda x: has_settled(past(stairs(x, 0.02, 0.01))).fired, 0.03, 0.9, 0.25),
    "settled, by a quarter": (
        lambda x: has_settled(past(stairs(0.2, x, 0.01))).fired,
        0.02,
        0.5,
        0.15,
    ),
    "settled, by half": (lambda x: has_settled(past(stairs(0.2, 0.1, x))).fired, 0.01, 0.5, 0.06),
    "no progress": (
        lambda x: progress(past(2 - x * (STEP > 4) + 0.1 * NOISE[:N] * (STEP > 4))).fired,
        0.01,
        2,
        0.13,
    ),
    "drawdown": (
        lambda x: lost_again(past(np.where(STEP < 300, FALLS, 1 + x)), Divergence()).fired,
        0.1,
        2,
        0.5,
    ),
    "drawdown, rows": (
        lambda x: lost_again(past(np.abs(np.arange(int(x)) - x / 2)), Divergence()).fired,
        20,
        90,
        40,
    ),
    "solved": (lambda x: solved(past(x + np.exp(-STEP / 20))).fired, 1e-3, 0.5, 0.03),
    "range test": (lambda x: range_test(past(ONES, lr=np.geomspace(1, x, N))).fired, 5, 300, 30),
    "range test, uneven": (
        lambda x: range_test(past(ONES, lr=100 ** (DONE + x * np.sin(np.pi * DONE)))).fired,
        1e-3,
        0.3,
        0.05,
    ),
    "cut": (lambda x: cut(past(ONES, lr=np.where(STEP < 200, 1, 1 / x))) is not None, 5, 100, 20),
    "cut, sudden": (
        lambda x: cut(past(ONES, lr=0.01 ** np.clip((STEP - 200) / x, 0, 1))) is not None,
        1,
        100,
        18.4,
    ),
    "lr cut, lasting": (lambda x: cut_too_early(cut_at(1 - x)).fired, 0.1, 0.9, 0.3),
    "lr cut, cycle": (lambda x: cut_too_early(cut_at(0.3, back=x)).fired, 0.01, 0.9, 0.1),
    "lr cut, gain": (lambda x: cut_too_early(cut_at(0.3, gain=x)).fired, 0.01, 0.9, 0.13),
    "frozen": (lambda x: frozen(past(np.ones(int(x)))).fired, 5, 60, 18),
    "dead, share": (lambda x: dead(game(3 * (1 - x * DONE))).fired, 0.01, 0.6, 0.12),
    "dead, noise": (lambda x: dead(game(3 + x * NOISE[:N])).fired, 0.001, 2, 0.08),
    "dead, moved": (lambda x: dead(game(3 - 0.01 * DONE, path=x)).fired, 0.1, 9, 1),
    "dead, calm": (lambda x: dead(walks(grad_norm=np.where(STEP < 200, 1, x))).fired, 1, 20, 3),
    "skipped": (lambda x: skipped_steps(past(ONES, skipped=x > DONE)).fired, 0.01, 0.5, 0.05),
    "wanders, near": (lambda x: wanders(game(np.cos(STEP / 30), path=x)).fired, 1, 50, 10),
    "wanders, net": (lambda x: wanders(game(np.cos(STEP / 30) - x * DONE)).fired, 0.1, 20, 4.3),
    "wanders, turns": (lambda x: wanders(game(np.cos(np.pi * x * DONE))).fired, 0.5, 5, 2.1),
    "wanders, real": (
        lambda x: wanders(game(np.cos(STEP / 30) + x * NOISE[:N])).fired,
        0.01,
        9,
        1.15,
    ),
    "wanders, promised": (lambda x: wanders(game(np.cos(STEP / 30), grad=x)).fired, 1, 1e4, 70),
    "wanders, rows": (
        lambda x: wanders(game(np.cos(np.pi * 4 * np.arange(int(x)) / int(x)))).fired,
        40,
        300,
        93,
    ),
    "wanders, calm": (
        lambda x: (
            wanders(game(-2 + DONE + 0.01 * NOISE[:N], grad_norm=np.where(STEP < 200, 1, x))).fired
        ),
        1,
        9,
        1.26,
    ),
    "rises calmly": (lambda x: calm_rise(game(abs(DONE - 0.5), grad=x)).fired, 0.1, 1e3, 4),
    "rises, near": (lambda x: calm_rise(game(abs(DONE - 0.5), path=x, grad=0.1)).fired, 1, 90, 10),
    "gain": (lambda x: small_gain(descends(x)).fired, 1e-3, 0.5, 0.013),
    "path": (lambda x: short_path(game(ONES, path=x)).fired, 0.1, 9, 1),
    "gradient": (
        lambda x: blew_up(past(ONES, grad_norm=np.where(STEP < 200, 1, x))).fired,
        9,
        1e3,
        100,
    ),
    "bounce": (lambda x: bounces(past((-1.0) ** STEP + x * NOISE[:N])).fired, 0.1, 20, 1),
    "explosion, grew": (
        lambda x: jumps(52, grad_norm=np.where(np.arange(60) < 50, 1, x)),
        5,
        1e3,
        100,
    ),
    "explosion, sudden": (
        lambda x: jumps(50, grad_norm=x ** np.clip(np.arange(60.0) - 45, 0, 4)),
        4,
        90,
        10,
    ),
    "explosion, gentle": (lambda x: jumps(52, update_norm=np.full(60, 10 * x)), 0.01, 0.5, 0.05),
    "explosion, rise": (lambda x: jumps(52, lr=np.where(np.arange(60) < 40, 1, x)), 1, 9, 2),
    "explosion, within": (lambda x: jumps(50 + int(x)), 5, 90, 21),
    "explosion, before": (lambda x: jumps(50 - int(x)), 1, 30, 5),
    "explosion, settled": (lambda x: jump_at(x, update_norm=np.full(60, np.nan)), 8, 50, 20),
    "explosion, steep": (
        lambda x: jumps(
            2, grad_norm=np.where(np.arange(60) < 1, x, 1e6), update_norm=np.full(60, 5.0)
        ),
        1,
        3e3,
        35,
    ),
    "diverges, lost": (lambda x: leaves(at(FALLS, slice(200, None), x))[0], 0.01, 2, 0.3),
    "diverges, noise": (
        lambda x: leaves(at(FALLS + x * (-1.0) ** STEP, slice(300, None), 1.5))[0],
        0.01,
        3,
        0.42,
    ),
    "diverges, lasts": (
        lambda x: leaves(at(FALLS[: 200 + int(x) // 4 * 4], slice(200, None), 1))[1].has_lasted,
        4,
        60,
        12,
    ),
    "diverges, wanders": (
        lambda x: leaves(at(FALLS + 0.3 * np.sin(STEP / 6), slice(300, None), x))[0],
        0.1,
        9,
        0.6,
    ),
    "diverges, came back": (
        lambda x: leaves(at(at(QUIET, slice(500, 516), x), slice(900, None), 1.0))[1].has_lasted,
        0.1,
        3,
        0.6,
    ),
    "diverges, long ago": (
        lambda x: leaves(at(at(QUIET, slice(int(x), int(x) + 16), 0.25), slice(900, None), 0.35))[
            0
        ],
        20,
        800,
        232,
    ),
    "diverges, smooth": (
        lambda x: leaves(at(FALLS + SMOOTH, slice(300, None), x))[1].has_lasted,
        0.1,
        9,
        1.85,
    ),
    "diverges, slightly": (
        lambda x: leaves(at(FALLS, slice(200, None), x))[1].has_lasted,
        0.01,
        2,
        0.3,
    ),
    "diverges, enough": (
        lambda x: leaves(at(FALLS[: 200 + int(x) // 4 * 4], slice(200, None), 0.45))[1].has_lasted,
        4,
        190,
        24,
    ),
    "not finite, early": (lambda x: nan_after(5, x), 1, 60, 3),
    "not finite, dense": (lambda x: nan_after(int(x), 2), 3, 60, 16),
    "not finite, sparse": (lambda x: blows_up([1.0, np.nan] * 9 + [np.nan] * int(x)), 3, 90, 23),
    "not finite, recovered": (
        lambda x: blows_up([1.0] * 20 + [np.inf] + [1.0] * int(x)),
        3,
        90,
        20,
    ),
    "not finite, skipped": (lambda x: nan_after(40, x, skipped=True, grad=True), 3, 90, 24),
    "not finite, calm": (lambda x: nan_after(200, x, grad=True), 9, 400, 120),
    "not finite, share": (lambda x: nan_after(1_000, x, grad=True), 9, 900, 200),
}


def line(fires: Callable[[float], bool], low: float, high: float) -> float:
    """Return where between two numbers a test begins or ceases to fire."""
    with np.errstate(all="ignore"):
        below = fires(low)
        assert fires(high) != below
        while high > 1.02 * low:
            middle = (low * high) ** 0.5
            low, high = (middle, high) if fires(middle) == below else (low, middle)
    return high


@pytest.mark.parametrize("name", LINES)
def test_the_line_lies_where_it_lay(name: str) -> None:
    fires, low, high, where = LINES[name]
    assert line(fires, low, high) == pytest.approx(where, rel=0.1)
