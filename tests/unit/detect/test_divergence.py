from __future__ import annotations

import numpy as np
from synthetic_runs import block

from lrwatch.detect.divergence import Divergence
from lrwatch.detect.groups import summarise


def row_found(loss: np.ndarray) -> tuple[int | None, int | None]:
    """Rows taken when the test fired, and the step from which the run was lost."""
    n = len(loss) // 4 * 4
    rows = block({"step": np.arange(n), "loss": loss[:n], "lr": np.ones(n)})
    test = Divergence()
    n_groups, fired = test.advance(summarise(rows, np.ones(n), np.full(2, np.nan)))
    return (4 * n_groups, test.since) if fired else (None, None)


def falling(n: int, seed: int = 0) -> np.ndarray:
    return np.exp(-np.arange(n) / 30) + 0.02 * np.random.default_rng(seed).standard_normal(n)


def test_a_loss_that_leaves_its_best_for_good_is_found_within_ten_steps() -> None:
    loss = falling(400)
    loss[200:] += 1.0
    found, since = row_found(loss)
    assert found is not None
    assert 200 < found <= 210
    assert since == 200


def test_a_spike_of_a_few_steps_is_none() -> None:
    loss = falling(400)
    loss[200:205] += 5.0
    assert row_found(loss) == (None, None)


def test_a_noisy_flat_loss_is_none() -> None:
    assert all(row_found(falling(4_000, seed)) == (None, None) for seed in range(5))


def rows_that_fired(loss: np.ndarray) -> tuple[list[int], Divergence]:
    n = len(loss)
    rows = block({"step": np.arange(n), "loss": loss, "lr": np.ones(n)})
    groups = summarise(rows, np.ones(n), np.full(2, np.nan))
    test, fired, at = Divergence(), [], 0
    while at < len(groups):
        n_groups, has_fired = test.advance(groups[at:])
        at += n_groups
        fired += [4 * at] * has_fired
    return fired, test


def test_it_takes_it_back_when_the_loss_returns() -> None:
    loss = falling(400)
    loss[200:260] += 1.0
    fired, test = rows_that_fired(loss)
    assert (fired[0], test.since, test.has_lasted) == (208, None, False)


def test_a_loss_that_stays_lost_fires_ever_more_rarely() -> None:
    loss = falling(40_000)
    loss[200:] += 1.0
    fired, test = rows_that_fired(loss)
    assert fired[:2] == [208, 212]
    assert len(fired) < 250
    assert (test.since, test.has_lasted) == (200, True)
