from __future__ import annotations

import numpy as np
from synthetic_runs import block

from lrwatch.detect.groups import Groups, summarise
from lrwatch.detect.history import CAPACITY, History


def groups_of(n_rows: int, *, start: int = 0) -> Groups:
    random = np.random.default_rng(start)
    columns = {
        "step": np.arange(start, start + n_rows),
        "loss": random.standard_normal(n_rows),
        "lr": np.ones(n_rows),
    }
    return summarise(block(columns), np.ones(n_rows), np.full(2, np.nan))


def test_bins_never_exceed_the_capacity_and_hold_every_row() -> None:
    history = History()
    for start in range(0, 40_000, 4_000):
        history.add(groups_of(4_000, start=start))
        assert len(history) <= CAPACITY
        assert history["rows"].sum() == start + 4_000


def test_sums_do_not_depend_on_how_many_groups_come_at_once() -> None:
    groups = groups_of(4 * 1_000)
    whole, pieces = History(), History()
    whole.add(groups)
    for start in range(0, 1_000, 7):
        pieces.add(groups[start : start + 7])
    assert np.array_equal(whole["loss"], pieces["loss"])
    assert np.array_equal(whole["loss_max"], pieces["loss_max"])


def test_merged_bins_cover_neighbouring_steps() -> None:
    history = History()
    history.add(groups_of(4 * (CAPACITY + 1)))
    assert history["first_step"][:2].tolist() == [0, 8]
    assert history["last_step"][:2].tolist() == [7, 15]


def test_what_is_written_again_is_forgotten() -> None:
    history = History()
    history.add(groups_of(400))
    history.forget_from(201)
    assert history["last_step"].max() == 199
    history.add(groups_of(40, start=200))
    assert history["rows"].sum() == 240
