from __future__ import annotations

import math

import numpy as np
import pytest
from lrwatch_dashboard.data.smoothing import half_life_for, smooth


def _one_by_one(values: list[float], half_life: int) -> list[float]:
    """Average as the definition says, a value at a time."""
    decay = 0.5 ** (1 / half_life)
    total = weight = 0.0
    out = []
    for value in values:
        finite = math.isfinite(value)
        total = decay * total + (value if finite else 0.0)
        weight = decay * weight + finite
        out.append(total / weight if finite else math.nan)
    return out


@pytest.mark.parametrize("n", [0, 1, 5, 1000])
def test_the_average_is_the_one_of_its_definition(n: int) -> None:
    loss = np.random.default_rng(n).normal(size=n)  # some negative: averaged as they are
    assert smooth(loss, 5) == pytest.approx(_one_by_one(loss.tolist(), 5), nan_ok=True)


def test_positive_losses_are_averaged_by_their_logarithms() -> None:
    loss = np.array([1.0, 100.0])
    decay = 0.5 ** (1 / 5)
    expected = math.exp(math.log(100.0) / (1 + decay))
    assert smooth(loss, 5).tolist() == pytest.approx([1.0, expected])


def test_a_gap_stays_a_gap_and_carries_no_weight() -> None:
    loss = np.array([2.0, math.nan, math.inf, 2.0])
    assert smooth(loss, 5) == pytest.approx([2.0, math.nan, math.nan, 2.0], nan_ok=True)


def test_a_half_life_far_beyond_the_run_is_the_mean_so_far() -> None:
    loss = np.random.default_rng(0).normal(size=50)
    expected = np.cumsum(loss) / np.arange(1, 51)
    assert smooth(loss, 10_000_000) == pytest.approx(expected, abs=1e-5)


def test_losses_near_the_largest_number_do_not_overflow() -> None:
    assert np.isfinite(smooth(np.full(500, 1e308), 5)).all()


@pytest.mark.parametrize(
    ("n_steps", "half_life"), [(0, 5), (400, 5), (1000, 20), (2500, 50), (1_000_000, 20_000)]
)
def test_the_half_life_follows_the_run_in_round_numbers(n_steps: int, half_life: int) -> None:
    assert half_life_for(n_steps) == half_life


def test_a_smooth_curve_is_not_smoothed_and_a_noisy_one_no_more_than_it_needs() -> None:
    rng = np.random.default_rng(0)
    falls = 0.1 + 2 * np.exp(-np.arange(5000) / 800)
    assert half_life_for(5000, falls) == 0
    assert half_life_for(5000, falls[:4]) == half_life_for(5000) == 100
    noises = [half_life_for(5000, falls * np.exp(s * rng.normal(size=5000))) for s in (0.1, 0.3, 2)]
    assert noises == [5, 50, 100]
    assert half_life_for(5000, np.full(5000, 3.0)) == 0
    rises = np.append(-falls, [math.nan, math.inf])
    assert half_life_for(5000, rises) == 0
