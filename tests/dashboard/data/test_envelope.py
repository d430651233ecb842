from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from lrwatch_dashboard.data.envelope import LONG_RUN, Envelope, Outliner
from lrwatch_dashboard.data.smoothing import smooth

from lrwatch.records import FloatArray, StepBlock

N = 150_000
STEPS = np.arange(N)
NOISE = np.random.default_rng(0).standard_normal(N)
LOSS = np.exp(-STEPS / 50_000) + 0.2 + 0.01 * NOISE


def block(first: int = 0, last: int = N, **columns: FloatArray) -> StepBlock:
    ones = np.ones(N)
    values: dict[str, Any] = {
        "loss": LOSS,
        "lr": 0.1 * (1 - STEPS / (2 * N)),
        "grad_norm": 2 * ones,
        "grad_norm_clipped": 2 * ones,
        "param_norm": 4 * ones,
        "update_norm": 1e-2 * ones,
        **columns,
    }
    seen, none = np.ones(N, bool), np.zeros(N, bool)
    whole = StepBlock(step=STEPS, time=STEPS, skipped=none, loss_seen=seen, **values)
    return whole[first:last]


def envelope(*blocks: StepBlock) -> Envelope | None:
    outliner = Outliner()
    for each in blocks or (block(),):
        outliner.add(each)
    return outliner.envelope()


def the_envelope(*blocks: StepBlock) -> Envelope:
    found = envelope(*blocks)
    assert found is not None
    return found


def test_no_extreme_of_any_stretch_is_lost() -> None:
    spiked = LOSS.copy()
    spiked[61_803] = 50.0
    loss = the_envelope(block(loss=spiked)).curves(0, "t").loss
    assert loss.y.max() == 50.0
    assert loss.y.min() == LOSS.min()
    assert loss.x[loss.y.argmax()] == 61_803
    assert (np.diff(loss.x) >= 0).all()


def test_rows_that_come_in_pieces_give_the_same_as_all_at_once() -> None:
    edges = [0, 1, 500, 512, 700, 20_000, 90_001, N]
    whole = the_envelope()
    parts = the_envelope(*(block(a, b) for a, b in itertools.pairwise(edges)))
    assert (parts.width, parts.last_step) == (whole.width, whole.last_step)
    for part, other in zip((*parts.lines, parts.means), (*whole.lines, whole.means), strict=True):
        assert part.name == other.name
        assert part.x.tolist() == other.x.tolist()
        assert part.y == pytest.approx(other.y)


def test_the_loss_is_smoothed_as_its_rows_would_be() -> None:
    found = the_envelope()
    half_life = 5_000
    assert found.smooths(half_life)
    drawn = found.curves(half_life, "t").smooth_loss
    exact = smooth(LOSS, half_life)
    wanted = exact[drawn.x.astype(int)]
    assert drawn.y == pytest.approx(wanted, rel=0.04)  # stretches scatter less than rows
    assert np.median(np.abs(drawn.y - wanted) / wanted) < 0.005


def test_a_finer_smoothing_than_its_stretches_needs_the_rows() -> None:
    found = the_envelope()
    assert found.smooths(0)
    assert not found.smooths(found.width)


def test_a_schedule_is_no_saw() -> None:
    lr = the_envelope().curves(0, "t").lr[0]
    assert (np.diff(lr.y) <= 0).mean() > 0.99


def test_what_was_not_recorded_is_an_empty_line_and_a_gap_is_left_out() -> None:
    loss = LOSS.copy()
    loss[40_000:60_000] = np.nan
    found = the_envelope(block(loss=loss, grad_norm=np.full(N, np.nan)))
    lines = found.curves(10_000, "t")
    assert len(lines.grad_norm.x) == 0
    assert not ((lines.loss.x > 41_000) & (lines.loss.x < 59_000)).any()
    assert np.isfinite(lines.smooth_loss.y).all()


def test_short_and_resumed_runs_have_none() -> None:
    assert envelope(block(0, LONG_RUN)) is None
    assert envelope(block(0, 120_000), block(100_000, N)) is None
