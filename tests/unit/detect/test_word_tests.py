"""The tests behind the words: spike, flat, cut, frozen, dead, skipped."""

from __future__ import annotations

import numpy as np
import pytest
from synthetic_runs import descent

from lrwatch.detect.flatness import has_settled, is_flat, progress
from lrwatch.detect.overflow import skipped_steps
from lrwatch.detect.progress import solved
from lrwatch.detect.schedule import cut, in_warmup
from lrwatch.detect.spike import spike
from lrwatch.detect.stall import cut_too_early, dead, frozen
from lrwatch.detect.tracker import past_of
from lrwatch.verdicts import Evidence


def fired(evidence: Evidence) -> bool:
    return evidence.fired


def test_one_wild_loss_that_was_got_over_is_a_spike() -> None:
    run = descent(2e-3)
    run["loss"][300] += 20
    found = spike(past_of(run))
    assert found.fired
    assert found.interval == (300, 303)


def test_a_loss_that_stays_up_is_no_spike() -> None:
    run = descent(2e-3)
    run["loss"][300:] += 20
    assert not fired(spike(past_of(run)))


@pytest.mark.slow
def test_a_run_at_its_floor_is_flat_and_a_crawling_one_is_not() -> None:
    assert fired(is_flat(past_of(descent(5e-3, n_steps=2_000))))
    assert not fired(is_flat(past_of(descent(1e-5, noise=0.0))))


def test_a_run_that_never_came_down_made_no_progress() -> None:
    assert fired(progress(past_of(descent(1e-9, floor=5.0))))
    assert not fired(progress(past_of(descent(1e-3))))


def test_a_deep_cut_while_the_loss_fell_is_too_early() -> None:
    lr = np.where(np.arange(600) < 60, 3e-4, 3e-7)
    found = cut_too_early(past_of(descent(lr, n_steps=600, noise=0.02)))
    assert found.fired
    assert found.interval is not None
    assert abs(found.interval[0] - 60) <= 8


def test_a_step_schedule_is_no_cut() -> None:
    lr = 3e-3 * 0.1 ** (np.arange(600) // 200)
    past = past_of(descent(lr, n_steps=600))
    assert cut(past) is None
    assert not fired(cut_too_early(past))


def test_a_loss_that_repeats_itself_is_frozen() -> None:
    run = descent(0.0, noise=0.0)
    assert fired(frozen(past_of(run)))
    assert not fired(frozen(past_of(descent(1e-3))))


def test_a_learning_rate_that_only_grew_is_in_warmup() -> None:
    assert in_warmup(past_of(descent(np.linspace(1e-6, 1e-3, 200), n_steps=200)))
    assert not in_warmup(past_of(descent(1e-3, n_steps=200)))


def test_steps_skipped_often_are_reported() -> None:
    run = descent(1e-3) | {"skipped": np.arange(400) % 10 == 0}
    assert fired(skipped_steps(past_of(run)))
    assert not fired(skipped_steps(past_of(descent(1e-3))))


@pytest.mark.slow
def test_a_loss_that_came_down_to_nothing_is_solved() -> None:
    assert fired(solved(past_of(descent(5e-3, n_steps=2_000, floor=0.0, noise=0.0))))
    assert not fired(solved(past_of(descent(5e-3, n_steps=2_000))))


def test_a_loss_of_exactly_zero_is_solved() -> None:
    run = descent(5e-3) | {"loss": np.maximum(2 - np.arange(400) / 50, 0.0)}
    assert fired(solved(past_of(run)))


def test_a_loss_that_is_negative_at_times_is_never_solved() -> None:
    run = descent(5e-3)
    assert solved(past_of(run | {"loss": run["loss"] - 2})).value is None


def test_a_loss_near_nothing_that_still_halves_is_not_flat() -> None:
    run = {"step": np.arange(800), "loss": np.exp(-np.arange(800) / 150.0), "lr": np.ones(800)}
    assert not fired(is_flat(past_of(run)))


@pytest.mark.slow
def test_a_loss_on_its_floor_has_settled_and_a_crawling_one_has_not() -> None:
    assert fired(has_settled(past_of(descent(8e-3, n_steps=3_000, noise=1.0))))
    assert not fired(has_settled(past_of(descent(1e-5))))


def test_without_norms_a_run_has_settled_if_nearly_all_came_early() -> None:
    step = np.arange(1_000)
    noise = 0.01 * np.random.default_rng(0).standard_normal(1_000)
    early = {"step": step, "loss": 2 + 0.3 * np.exp(-step / 30) + noise, "lr": np.ones(1_000)}
    even = early | {"loss": 2.3 - 0.3 * step / 1_000 + noise}
    assert fired(has_settled(past_of(early)))
    assert not fired(has_settled(past_of(even)))


def walking(*, rising: bool) -> dict[str, np.ndarray]:
    """Parameters move twice their own length while the loss stays where it was."""
    random = np.random.default_rng(0)
    n = 400
    return {
        "step": np.arange(n),
        "loss": 2.3 + 0.02 * random.standard_normal(n) + (rising and 3.0) * (np.arange(n) == 3),
        "lr": np.full(n, 0.1),
        "grad_norm": np.full(n, 0.5) * (1 + 9 * rising * (np.arange(n) // 8 == 1)),
        "param_norm": np.full(n, 10.0),
        "update_norm": np.full(n, 0.05),
    }


def test_a_run_that_moves_calmly_and_learns_nothing_is_dead() -> None:
    assert fired(dead(past_of(walking(rising=False))))
    assert not fired(dead(past_of(walking(rising=True))))


def test_whether_a_run_is_dead_cannot_be_said_without_norms() -> None:
    run = walking(rising=False)
    assert dead(past_of({name: run[name] for name in ("step", "loss", "lr")})).value is None
