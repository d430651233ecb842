from __future__ import annotations

import copy

import numpy as np
import pytest
from synthetic_runs import block, descent

from lrwatch.detect.tracker import FIRST_LOOK, Tracker


def steps_decided(tracker: Tracker, columns: dict[str, np.ndarray]) -> list[int]:
    return [step for step, _ in tracker.advance(block(columns))]


@pytest.mark.slow
def test_looks_come_at_growing_distances() -> None:
    steps = steps_decided(Tracker(), descent(1e-3, n_steps=5_000))
    assert steps[0] == FIRST_LOOK - 1
    gaps = np.diff(steps)
    assert (gaps[1:] >= gaps[:-1]).all()
    assert len(steps) < 40


def test_a_resumed_run_forgets_what_is_written_again() -> None:
    run = descent(1e-3, n_steps=400)
    tracker = Tracker()
    steps_decided(tracker, run)
    steps_decided(tracker, {name: column[300:] for name, column in run.items()})
    past = tracker.finished().past()
    assert abs(past.n_rows - 400) <= 4
    assert past.interval == (0, 399)


def test_a_counter_that_starts_anew_forgets_nothing() -> None:
    run = descent(1e-3, n_steps=400)
    tracker = Tracker()
    steps_decided(tracker, run)
    steps_decided(tracker, run)
    assert tracker.finished().past().n_rows == 800


def test_looking_at_the_present_changes_nothing() -> None:
    run = descent(1e-3, n_steps=203)
    tracker = Tracker()
    steps_decided(tracker, run)
    before = copy.deepcopy(tracker)
    tracker.finished()
    assert np.array_equal(before.history["loss"], tracker.history["loss"])
    assert tracker.finished().past().n_rows == 203


@pytest.mark.slow
def test_memory_does_not_grow_with_the_run() -> None:
    import pickle

    sizes = []
    for n_steps in (2_000, 20_000):
        tracker = Tracker()
        steps_decided(tracker, descent(1e-3, n_steps=n_steps, size=2))
        sizes.append(len(pickle.dumps(tracker)))
    assert sizes[1] < sizes[0] + 2_000
