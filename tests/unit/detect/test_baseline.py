from __future__ import annotations

import math

import numpy as np
import pytest

from lrwatch.detect.baseline import CAPACITY, Baseline

RNG = np.random.default_rng(0)


def learnt(levels: np.ndarray, jitter: float = 0.0, over_two: float = 0.0) -> Baseline:
    usual = Baseline()
    for level in levels.tolist():
        usual.add(level, jitter, over_two)
    return usual


def moving_average(n: int, kept: float) -> np.ndarray:
    values, value = np.empty(n), 0.0
    for k, new in enumerate(RNG.standard_normal(n)):
        value = kept * value + math.sqrt(1 - kept**2) * new
        values[k] = value
    return values


@pytest.mark.parametrize("n", [1_000, 10_000, pytest.param(100_000, marks=pytest.mark.slow)])
def test_the_best_does_not_sink_with_the_length_of_a_run(n: int) -> None:
    levels = 1 + 0.1 * RNG.standard_normal(n)
    assert levels.min() < 0.75
    assert learnt(levels).best == pytest.approx(1, abs=0.07)


def test_the_best_follows_a_loss_that_falls() -> None:
    assert learnt(np.exp(-np.arange(40) / 10)).best == pytest.approx(math.exp(-3.8))


def test_one_group_that_is_low_by_luck_is_not_the_best() -> None:
    assert learnt(np.array([0.1, 1.0, 1.0, 0.1, 1.0, 1.0])).best == 1.0


@pytest.mark.parametrize("kept", [0.0, 0.5, 0.8])
def test_the_spread_is_that_of_noise_that_lasts(kept: float) -> None:
    spread = learnt(moving_average(63, kept)).spread
    assert 0.5 < spread < 1.5


@pytest.mark.parametrize(("bins", "width"), [(CAPACITY - 1, 1), (20 * CAPACITY, 32)])
def test_noise_of_single_groups_averages_out_in_longer_bins(bins: int, width: int) -> None:
    spread = learnt(RNG.standard_normal(bins)).spread
    assert spread == pytest.approx(1 / math.sqrt(width), rel=0.5)


def test_a_loss_that_falls_ever_more_slowly_has_no_spread() -> None:
    assert learnt(np.exp(-np.arange(60) / 10)).spread == pytest.approx(0, abs=1e-12)


def test_a_smooth_loss_has_more_noise_than_its_steps_show() -> None:
    rough = learnt(np.ones(60), jitter=0.1, over_two=0.1).spread
    smooth = learnt(np.ones(60), jitter=0.1, over_two=0.14).spread
    assert rough == 0
    assert smooth > 0.5


@pytest.mark.parametrize("scale", [1e-300, 1e-5, 1e300])
def test_all_is_in_units_of_the_loss(scale: float) -> None:
    levels = 1 + 0.1 * RNG.standard_normal(500)
    one, other = learnt(levels, 0.1, 0.12), learnt(levels * scale, 0.1 * scale, 0.12 * scale)
    expected = (one.best, one.noise, one.spread)
    assert (other.best / scale, other.noise / scale, other.spread / scale) == pytest.approx(
        expected
    )


def test_an_earlier_point_is_gone_back_to() -> None:
    usual = learnt(np.linspace(3, 1, 200))
    usual.start_again(2.0)
    assert usual.best == 2.0
    usual.add(2.5, 0.0, 0.0)
    assert usual.best == 2.0
