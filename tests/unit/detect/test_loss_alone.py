"""Where the tests of a loss alone turn: crawl, standstill, overfitting."""

from __future__ import annotations

import numpy as np
import pytest

from lrwatch.detect.crawl import crawls
from lrwatch.detect.overfitting import Validation
from lrwatch.detect.standstill import Standstill
from lrwatch.detect.tracker import past_of
from lrwatch.tables import step_block

STEP = np.arange(400)


@pytest.mark.parametrize(("early", "fired"), [(0.42, True), (0.55, False)])
def test_a_crawl_has_made_less_than_half_of_its_way_by_a_tenth_of_the_run(
    early: float, *, fired: bool
) -> None:
    loss = 3 - early * (1 - np.exp(-STEP / 8)) - (1 - early) * STEP / 400
    found = crawls(past_of({"step": STEP, "loss": loss, "lr": np.ones(400)}))
    assert found.fired is fired


@pytest.mark.parametrize(("late", "fired"), [(0.3, True), (0.08, False)])
def test_a_crawl_goes_on_in_the_second_half(late: float, *, fired: bool) -> None:
    loss = 3 - (1 - late) * np.minimum(STEP / 190, 1) - late * np.maximum(STEP / 200 - 1, 0)
    found = crawls(past_of({"step": STEP, "loss": loss, "lr": np.ones(400)}))
    assert found.fired is fired


def test_a_schedule_that_decays_slows_a_run_down() -> None:
    """The last quarter of the decrease came at a tenth of the rates: that is no floor."""
    loss = 3 - 0.92 * np.minimum(STEP / 190, 1) - 0.08 * np.maximum(STEP / 200 - 1, 0)
    lr = np.where(STEP < 200, 1.0, 0.1)
    assert crawls(past_of({"step": STEP, "loss": loss, "lr": lr})).fired


@pytest.mark.parametrize(("n_last", "fired"), [(39, False), (41, True)])
def test_a_rate_of_0_must_last_for_a_tenth_of_the_run(n_last: int, *, fired: bool) -> None:
    run = {"step": STEP, "loss": np.ones(400), "lr": np.where(400 - n_last > STEP, 1.0, 0.0)}
    test = Standstill()
    test.add(step_block(run))
    assert test.zero_rate(past_of(run)).fired is fired


def validated(values: np.ndarray, loss: np.ndarray) -> bool:
    test = Validation()
    n = len(values)
    test.add(step_block({"step": np.arange(n), "loss": loss, "val_loss": values}))
    return test.overfits().fired


@pytest.mark.parametrize(("rise", "fired"), [(0.04, False), (0.08, True)])
def test_a_validation_loss_must_rise_by_a_twentieth(rise: float, *, fired: bool) -> None:
    row = np.arange(40)
    values = np.where(row < 20, 2 - row / 20, 1.05 + rise * np.minimum((row - 20) / 10, 1))
    assert validated(values, 2 - row / 40) is fired


def test_overfitting_needs_the_other_loss_to_fall_and_the_rise_to_exceed_the_noise() -> None:
    row = np.arange(40)
    values = np.where(row < 20, 2 - row / 20, 1 + (row - 20) / 40)
    assert validated(values, 2 - row / 40)
    assert not validated(values, values)
    wild = 1 + 0.3 * np.random.default_rng(0).standard_normal(40)
    assert not validated(wild, 2 - row / 40)


@pytest.mark.parametrize(("step_down", "fired"), [(0.3, True), (0.8, False)])
def test_a_crawl_does_not_come_down_at_one_step(step_down: float, *, fired: bool) -> None:
    """The rest of the decrease in the second half is even."""
    late = (1 - step_down) * np.maximum(STEP / 200 - 1, 0) + step_down * (STEP >= 300)
    loss = 3 - 0.5 * np.minimum(STEP / 190, 1) - 0.5 * late
    found = crawls(past_of({"step": STEP, "loss": loss, "lr": np.ones(400)}))
    assert found.fired is fired
