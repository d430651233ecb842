from __future__ import annotations

import math

import numpy as np
import pytest
from lrwatch_dashboard.data.smoothing import half_life_for, smooth


def _of_kernel(values: np.ndarray, half_life: float) -> np.ndarray:
    """Average as the definition says where both sides are alike."""
    places = np.arange(len(values))
    weights = 0.5 ** (np.abs(places[:, None] - places) / half_life) * np.isfinite(values)
    return np.asarray(weights @ np.nan_to_num(values) / weights.sum(axis=1))


@pytest.mark.parametrize("n", [0, 1, 5, 300])
def test_the_average_is_the_one_of_its_definition(n: int) -> None:
    loss = np.random.default_rng(n).normal(size=n)  # some negative: averaged as they are
    found = smooth(loss, 20)
    assert len(found) == n
    assert found[:1] == pytest.approx(loss[:1])
    expected = _of_kernel(loss, 20)[n // 3 :] if n else loss  # its beginning is not blurred
    found = found[n // 3 :]
    # Where one side happens to be calmer it counts for more.
    assert np.median(np.abs(found - expected)) < 0.01 if n else True


def test_positive_losses_are_averaged_by_their_logarithms() -> None:
    loss = np.array([1.0, 100.0])
    decay = 0.5 ** (1 / 5)
    assert smooth(loss, 5).tolist() == pytest.approx([1, math.exp(math.log(100.0) / (1 + decay))])


def test_a_gap_stays_a_gap_and_carries_no_weight() -> None:
    loss = np.array([2.0, math.nan, math.inf, 2.0])
    assert smooth(loss, 5) == pytest.approx([2.0, math.nan, math.nan, 2.0], nan_ok=True)
    assert np.isnan(smooth(np.full(3, math.nan), 5)).all()
    holes = np.random.default_rng(0).normal(size=200)
    holes[::3] = math.nan
    assert smooth(holes, 1e6)[-1] == pytest.approx(np.nanmean(holes), abs=1e-4)


def test_a_half_life_far_beyond_the_run_ends_at_its_mean() -> None:
    loss = np.random.default_rng(0).normal(size=50)
    assert smooth(loss, 10_000_000)[-1] == pytest.approx(loss.mean(), abs=1e-5)


def test_losses_near_the_largest_number_do_not_overflow() -> None:
    assert np.isfinite(smooth(np.full(500, 1e308), 5)).all()
    assert np.isfinite(smooth(1e308 * np.linspace(-1, 1, 500), 5)).all()


@pytest.mark.parametrize("half_life", [10, 20, 40])
def test_a_step_is_where_it_was_and_takes_no_time(half_life: int) -> None:
    rng = np.random.default_rng(0)
    loss = np.where(np.arange(2000) < 1000, 2.0, 1.0) * np.exp(0.02 * rng.normal(size=2000))
    smoothed = smooth(loss, half_life)
    assert np.flatnonzero(smoothed < 1.5)[0] == 1000
    assert np.abs(smoothed[:1000] - 2).max() < 0.05
    assert np.abs(smoothed[1000:] - 1).max() < 0.05


def test_a_noisy_curve_that_falls_is_not_late() -> None:
    rng = np.random.default_rng(0)
    course = 0.3 + 2 * np.exp(-np.arange(2000) / 300)
    smoothed = smooth(course * np.exp(0.03 * rng.normal(size=2000)), 20)
    late = np.log(smoothed / course)
    assert abs(late[:300].mean()) < 0.005  # an average of what was before is 0.06 above
    assert np.abs(late[:20]).max() < 0.08
    assert late[300:].std() < 0.35 * 0.03


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
    assert noises == [5, 20, 100]
    assert half_life_for(5000, np.full(5000, 3.0)) == 0
    assert half_life_for(39, np.exp(rng.normal(size=39))) == 0  # each is seen as it is
    assert half_life_for(40, np.exp(rng.normal(size=40))) == 5
    rises = np.append(-falls, [math.nan, math.inf])
    assert half_life_for(5000, rises) == 0


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("half_life", [10, 20])
def test_a_steep_beginning_has_no_kink(half_life: int, seed: int) -> None:
    steps = np.arange(400.0)
    noise = np.exp(0.05 * np.random.default_rng(seed).standard_normal(400))
    line = np.log(smooth((3 * np.exp(-steps / 30) + 0.1) * noise, half_life))
    assert np.diff(line)[:100].max() < 0  # it falls all the way, as the loss does
