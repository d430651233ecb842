from __future__ import annotations

import numpy as np
import pytest
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


@pytest.mark.slow
def test_a_loss_that_stays_lost_fires_ever_more_rarely() -> None:
    loss = falling(40_000)
    loss[200:] += 1.0
    fired, test = rows_that_fired(loss)
    assert fired[:2] == [208, 212]
    assert len(fired) < 250
    assert (test.since, test.has_lasted) == (200, True)


# -- however long one looks -----------------------------------------------------------------------


def noisy(n: int, share: float = 0.2, seed: int = 0) -> np.ndarray:
    noise = share * np.random.default_rng(seed).standard_normal(n)
    return 1 + np.exp(-np.arange(n) / 500) + noise


@pytest.mark.parametrize("share", [0.1, 0.2, 0.5])
def test_a_good_run_is_not_lost_by_being_long(share: float) -> None:
    assert rows_that_fired(noisy(100_000, share))[0] == []


@pytest.mark.parametrize("at", [2_000, 20_000, 80_000])
def test_a_long_and_noisy_run_that_is_lost_is_found_within_forty_steps(at: int) -> None:
    loss = noisy(at + 200)
    loss[at:] += 1.0
    fired, test = rows_that_fired(loss)
    assert at < fired[0] <= at + 40
    assert test.has_lasted
    assert abs(test.since - at) < 8  # type: ignore[operator]


def test_the_level_it_quotes_occurred() -> None:
    loss = noisy(20_200)
    loss[20_000:] += 1.0
    _, test = rows_that_fired(loss)
    assert loss[20_000:].min() < test.level < loss.max()
    assert test.lost == pytest.approx(1, abs=0.3)


def test_what_it_came_back_from_is_no_surprise_again() -> None:
    loss = noisy(30_000, 0.05)
    hard = np.arange(30_000) % 2_000 >= 1_990  # ten hard batches now and then
    loss[hard] += 0.25
    fired, _ = rows_that_fired(loss)
    assert fired == []


def test_noise_that_grows_is_no_divergence() -> None:
    n = 40_000
    rng = np.random.default_rng(3)
    assert rows_that_fired(1 + np.linspace(0.02, 0.4, n) * rng.standard_normal(n))[0] == []


@pytest.mark.parametrize("size", [4, 52, 1_000])
def test_blocks_of_any_size_give_the_same(size: int) -> None:
    loss = noisy(8_000)
    loss[5_000:5_200] += 1.5
    loss[7_000:] += 2.0
    n = len(loss)
    rows = block({"step": np.arange(n), "loss": loss, "lr": np.ones(n)})
    groups = summarise(rows, np.ones(n), np.full(2, np.nan))
    whole, _ = rows_that_fired(loss)
    test, fired, at = Divergence(), [], 0
    for begin in range(0, len(groups), size // 4):
        part = groups[begin : begin + size // 4]
        at = 0
        while at < len(part):
            n_groups, has_fired = test.advance(part[at:])
            at += n_groups
            fired += [4 * (begin + at)] * has_fired
    assert fired == whole
    assert whole
