"""The tests behind the words: spike, flat, cut, frozen, dead, skipped."""

from __future__ import annotations

import numpy as np
from synthetic_runs import block, descent

from lrwatch.detect.evidence import Evidence
from lrwatch.detect.flatness import is_flat, progress
from lrwatch.detect.overflow import skipped_steps
from lrwatch.detect.past import Past
from lrwatch.detect.schedule import cut, in_warmup
from lrwatch.detect.spike import spike
from lrwatch.detect.stall import cut_too_early, frozen
from lrwatch.detect.tracker import Tracker


def past_of(columns: dict[str, np.ndarray]) -> Past:
    tracker = Tracker()
    list(tracker.advance(block(columns)))
    return tracker.finished().past()


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
