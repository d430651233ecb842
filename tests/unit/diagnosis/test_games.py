"""Losses that wander without any fault of the rate: two players, and a log that is smoothed."""

from __future__ import annotations

import numpy as np
import pytest

import lrwatch
from benchmarks.accuracy.long_runs.simulated import loss_of
from lrwatch.records import FloatArray

pytestmark = pytest.mark.slow


def alarms_of(loss: FloatArray) -> list[lrwatch.Alarm]:
    n = len(loss)
    return lrwatch.Monitor().update({"step": range(n), "loss": loss, "lr": np.full(n, 1e-3)})


def discriminator(seed: int) -> FloatArray:
    """Falls while it is ahead, and is back near 2 ln 2 whenever the generator has caught up."""
    random = np.random.default_rng(seed)
    step = np.arange(600)
    level = 1.2 - 0.25 * np.tanh(step / 60) * np.cos(step / 40 + random.uniform(0, 3))
    level[step < 12] = 1.38
    loss: FloatArray = level + 0.03 * random.standard_normal(600)
    return loss


def generator(seed: int) -> FloatArray:
    """Rises from ln 2 as the other player learns to tell, and wanders there."""
    random = np.random.default_rng(seed)
    step = np.arange(600)
    level = 0.69 + 0.8 * (1 - np.exp(-step / 80)) + 0.15 * np.sin(step / 30)
    loss: FloatArray = level + 0.03 * random.standard_normal(600)
    return loss


@pytest.mark.parametrize("player", [discriminator, generator])
def test_a_game_is_not_alarmed(player: object) -> None:
    assert callable(player)
    assert [alarms_of(player(seed)) for seed in range(3)] == [[]] * 3


@pytest.mark.parametrize("noise", ["average-0.1", "average99-0.2"])
def test_a_smoothed_loss_is_not_alarmed(noise: str) -> None:
    losses = [loss_of(noise, fall, 300, seed) for fall in ("slow", "tuned") for seed in (1, 2)]
    assert [alarms_of(loss) for loss in losses] == [[]] * 4


def test_a_loss_that_is_thrown_is_alarmed_all_the_same() -> None:
    loss = discriminator(0)
    loss[400:] *= 5
    assert [alarm.step > 400 for alarm in alarms_of(loss)] == [True]
