"""Fed in blocks of any size, a run gives the same alarms and the same diagnosis."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from synthetic_runs import EDGE, descent

import lrwatch

pytestmark = pytest.mark.slow  # `make test` runs it, `make check` does not

CORPORA = os.environ.get("LRWATCH_CORPORA", "")


def odd_run(seed: int) -> dict[str, np.ndarray]:
    """A run with everything in it: divergence, NaN, missing and skipped rows, a resume."""
    random = np.random.default_rng(seed)
    lr = float(EDGE * 10 ** random.uniform(-4, 0.3))
    run = descent(lr, n_steps=int(random.integers(1, 400)), seed=seed)
    n = len(run["step"])
    for name in ("param_norm", "update_norm"):
        run[name][random.random(n) < 0.5] = np.nan
    if seed % 3 == 0:
        start = int(random.integers(0, n))
        run["loss"][start : start + int(random.integers(1, 40))] = random.choice([np.nan, np.inf])
    if seed % 4 == 0:
        run["loss"][int(random.integers(0, n)) :] *= 3
    if seed % 5 == 0:
        back = int(random.integers(0, n))
        run = {name: np.concatenate([column, column[back:]]) for name, column in run.items()}
    return run


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), cuts=st.lists(st.integers(1, 90), min_size=1, max_size=12))
@example(seed=585, cuts=[1])  # dead, gone back from, and dead again
def test_blocks_of_any_size_give_the_same_alarms_and_diagnosis(seed: int, cuts: list[int]) -> None:
    run = odd_run(seed)
    n = len(run["step"])
    whole, parts = lrwatch.Monitor(), lrwatch.Monitor()
    expected = whole.update(run)
    alarms, at, k = [], 0, 0
    while at < n:
        end = at + cuts[k % len(cuts)]
        alarms += parts.update({name: column[at:end] for name, column in run.items()})
        at, k = end, k + 1
    assert alarms == expected
    # NaN equals nothing, itself included: compare what is printed.
    assert repr(parts.diagnosis()) == repr(whole.diagnosis())


@pytest.mark.parametrize("seed", range(5))
def test_one_row_at_a_time_too(seed: int) -> None:
    run = odd_run(60 * seed)
    whole, single = lrwatch.Monitor(), lrwatch.Monitor()
    expected = whole.update(run)
    alarms = []
    for k in range(len(run["step"])):
        alarms += single.update({name: column[k : k + 1] for name, column in run.items()})
    assert alarms == expected
    assert repr(single.diagnosis()) == repr(whole.diagnosis())


@pytest.mark.slow
@pytest.mark.skipif(not CORPORA, reason="LRWATCH_CORPORA names no folders of labelled runs")
def test_every_labelled_run_gives_the_same_in_blocks_of_any_size() -> None:
    from benchmarks.accuracy import corpus

    random = np.random.default_rng(0)
    folders = [Path(folder) for folder in CORPORA.split(os.pathsep)]
    for labelled in corpus.read(folders):
        run, whole, parts = labelled.block, lrwatch.Monitor(), lrwatch.Monitor()
        expected, alarms, at = whole.update(run), [], 0
        largest = int(random.choice([1, 7, 40, 300]))
        while at < len(run):
            end = at + int(random.integers(1, largest + 1))
            alarms += parts.update(run[at:end])
            at = end
        assert alarms == expected, labelled.about.run_id
        assert repr(parts.diagnosis()) == repr(whole.diagnosis()), labelled.about.run_id
