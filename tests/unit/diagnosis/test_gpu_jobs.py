"""Jobs of which all learning rates are trained at once: each as if it were alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks.accuracy import corpus
from benchmarks.accuracy.gpu_jobs.jobs import JOBS
from benchmarks.accuracy.gpu_jobs.setups import SETUPS
from benchmarks.accuracy.gpu_jobs.train import RULES, sweep
from benchmarks.accuracy.second_corpus.label import label_sweep
from benchmarks.accuracy.second_corpus.train import Setup
from benchmarks.accuracy.second_corpus.write import write_runs

pytestmark = pytest.mark.slow

SETUP = Setup("coder-sgd", "coder", "sgd", "constant", 64, 6, 1e-4, clip=1.0)


def test_every_setup_names_a_job_and_an_optimizer_that_exist() -> None:
    assert {setup.task for setup in SETUPS} <= set(JOBS)
    assert {setup.optimizer for setup in SETUPS} <= set(RULES)


def test_a_rate_is_trained_beside_others_as_it_is_alone() -> None:
    alone = sweep(SETUP, [1e-3], 0)[0]
    beside = sweep(SETUP, [1e-4, 1e-3, 10.0], 0)[1]
    for name, values in alone.steps.items():
        assert beside.steps[name] == pytest.approx(values, rel=1e-4), name
    assert beside.curve == pytest.approx(alone.curve, rel=1e-4)


def test_what_is_recorded_is_what_the_optimizer_did() -> None:
    run = sweep(SETUP, [1e-3], 0)[0]
    assert (run.steps["grad_norm_clipped"] <= 1.0 + 1e-6).all()
    moved = run.steps["lr"] * run.steps["grad_norm_clipped"]
    assert run.steps["update_norm"] == pytest.approx(moved, rel=1e-4)


def test_a_sweep_is_labelled_and_read_back(tmp_path: Path) -> None:
    runs = sweep(SETUP, [1e-7, 1e-3, 1e4], 0)
    label_sweep(runs)
    write_runs(runs, tmp_path)
    read = list(corpus.read([tmp_path]))
    assert [run.about.lr_peak for run in read] == [1e-7, 1e-3, 1e4]
    assert [run.about.label_class for run in read] == ["too_low", "ok", "too_high"]
    assert np.allclose(read[1].block.loss, runs[1].steps["loss"])
