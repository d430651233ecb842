from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lrwatch_dashboard.data.thinning import spread, thin


def _line(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    return np.arange(n, dtype=float), np.random.default_rng(seed).normal(size=n)


def test_a_line_that_fits_is_kept_whole() -> None:
    x, y = _line(100)
    assert thin(x, y, n_points=200).tolist() == list(range(100))


@pytest.mark.slow
@given(n=st.integers(0, 5000), at=st.floats(0, 1), n_points=st.integers(10, 500))
@settings(max_examples=60, deadline=None)
def test_no_spike_is_lost_and_no_more_than_asked_are_kept(n: int, at: float, n_points: int) -> None:
    x, y = _line(n)
    if n:
        y[int(at * (n - 1))] = 1e6
    chosen = thin(x, y, n_points=n_points)
    assert len(chosen) <= n_points + 2
    assert np.all(np.diff(chosen) > 0)
    if n:
        assert y[chosen].max() == y.max()
        assert y[chosen].min() == y.min()
        assert {0, n - 1} <= set(chosen.tolist())


def test_a_growing_line_keeps_the_points_it_was_drawn_with() -> None:
    x, y = _line(1500)
    before = set(thin(x[:1400], y[:1400], n_points=200).tolist())
    after = set(thin(x, y, n_points=200).tolist())
    assert {i for i in before if i < 1390} <= after


def test_values_that_are_not_finite_are_left_out() -> None:
    x, y = _line(10)
    y[3], y[4] = np.nan, np.inf
    assert not {3, 4} & set(thin(x, y).tolist())


def test_a_zoom_has_full_detail_inside_and_the_coarse_whole_outside() -> None:
    x, y = _line(100_000)
    chosen = thin(x, y, window=(50_000, 50_400), n_points=1000)
    inside = chosen[(chosen >= 50_000) & (chosen <= 50_400)]
    assert len(inside) == 401
    assert chosen[0] == 0
    assert chosen[-1] == 99_999
    assert len(chosen) < 1300


@pytest.mark.parametrize("window", [(-50.0, -10.0), (200.0, 300.0), (3.2, 3.4)])
def test_a_zoom_beside_or_between_the_points_does_not_fail(window: tuple[float, float]) -> None:
    x, y = _line(10)
    assert thin(x, y, window).tolist() == list(range(10))


def test_spreading_keeps_the_first_and_the_last() -> None:
    kept = spread(np.arange(1000.0), 7)
    assert len(kept) == 7
    assert (kept[0], kept[-1]) == (0, 999)
