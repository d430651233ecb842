from __future__ import annotations

import numpy as np
import pytest
from lrwatch_dashboard.data.extremes import Extremes
from lrwatch_dashboard.data.thinning import N_POINTS, thin


def thinned(x: np.ndarray, y: np.ndarray, *cuts: int) -> tuple[list[float], list[float]]:
    line = Extremes()
    for xs, ys in zip(np.split(x, cuts), np.split(y, cuts), strict=True):
        line.add(xs, ys)
    steps, values = line.points()
    return steps.tolist(), values.tolist()


@pytest.mark.parametrize("n", [0, 1, 2, 3, 1999, 2000, 2001, 5003, 100_000])
def test_pieces_of_any_size_come_to_the_same(n: int) -> None:
    rng = np.random.default_rng(n)
    x, y = np.arange(n) * 3.0, rng.standard_normal(n)
    whole = thinned(x, y)
    assert thinned(x, y, *np.sort(rng.integers(0, n + 1, 7))) == whole
    assert set(zip(*whole, strict=True)) <= set(zip(x.tolist(), y.tolist(), strict=True))
    assert len(whole[0]) <= N_POINTS + 4
    if n <= N_POINTS:
        assert whole == (x.tolist(), y.tolist())


def test_bins_are_those_of_a_line_that_is_thinned_whole() -> None:
    n = 70_000
    x, y = np.arange(n, dtype=float), np.random.default_rng(1).standard_normal(n)
    chosen = thin(x, y)
    assert thinned(x, y, 1, 30_000, 65_537) == (x[chosen].tolist(), y[chosen].tolist())


def test_two_equal_points_stay_two() -> None:
    x = np.arange(9.0)
    assert thinned(x, np.ones(9), 4) == (x.tolist(), [1.0] * 9)


@pytest.mark.parametrize("n", [4000, 4096, 8192])
def test_the_last_point_is_there_when_every_bin_is_full(n: int) -> None:
    y = np.random.default_rng(2).standard_normal(n)
    y[-1] = 0.0  # no extreme of its bin
    assert thinned(np.arange(n, dtype=float), y)[0][-1] == n - 1
